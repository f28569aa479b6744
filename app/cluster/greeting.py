"""What a person sees when the cluster is ready."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class ClusterGreeting(NamedTuple):
    """The facts of a start."""

    url: str
    data: str
    username: str
    password: str | None  # only when it was made by this start
    seconds: float
    houses: Sequence[tuple[str, str]]  # name, address
    servers: Mapping[str, bool]  # name -> whether it came along


def greet(facts: ClusterGreeting) -> str:
    """Return the text for a terminal."""
    once = "   (shown once: keep it)" if facts.password else ""
    houses = "\n".join(f"    {name}  {url}" for name, url in facts.houses)
    brought = ", ".join(name for name, comes_along in facts.servers.items() if comes_along)
    first = facts.houses[0][0]
    return f"""
  {len(facts.houses)} houses are ready at {facts.url}   ({facts.seconds:.1f} s)

{houses}

    docs    {facts.url}/api/docs
    login   {facts.username} / {facts.password or "as set"}{once}
    data    {facts.data}{f"   ({brought} included)" if brought else ""}

  Try, in a second terminal:

    python3 main.py demo --kill-a-house
    python3 main.py tail --data {facts.data}/houses/{first}
    kill -9 $(pgrep -f "houses/{first} ")     and look here

  Ctrl-C stops it all.
"""
