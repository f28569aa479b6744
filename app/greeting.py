"""What a person sees when the house is ready: where it is, how to log in, what to try."""

import json
import shlex
from typing import NamedTuple


class Greeting(NamedTuple):
    """The facts of a start."""

    url: str
    data: str
    log_file: str
    username: str
    password: str | None  # only when it was made by this start
    seconds: float


def greet(facts: Greeting) -> str:
    """Return the text for a terminal."""
    password = facts.password or "as set"
    once = "   (shown once: keep it)" if facts.password else ""
    login = json.dumps({"login": facts.username, "password": facts.password or "YOUR-PASSWORD"})
    return f"""
  Posthouse is ready at {facts.url}   ({facts.seconds:.1f} s)

    docs    {facts.url}/api/docs
    login   {facts.username} / {password}{once}
    data    {facts.data}
    logs    {facts.log_file}

  Try, in a second terminal:

    python3 main.py demo
    python3 main.py tail
    curl -s {facts.url}/api/v1/users/login -H 'Content-Type: application/json' \\
         -d {shlex.quote(login)}

  Ctrl-C stops it.
"""
