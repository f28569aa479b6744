"""The key of commands on this machine, for the whole cluster: it stays good when the house that made it is gone."""

import asyncio
from pathlib import Path

import aiohttp

from app.cli.operator import Operator, read_operator, write_operator

NAME = "commands on the cluster's own machine"


async def leave_key(data: Path, house: Path, house_url: str, front_url: str) -> None:
    """Write the cluster's ``operator.json``, with a key that this house makes. The key of the last start ends.

    Raises:
        RuntimeError: the house does not make one.
    """
    asking = await asyncio.to_thread(read_operator, house)
    if asking is None:
        raise RuntimeError(f"the house has left no key in {house}")
    last = await asyncio.to_thread(read_operator, data)
    headers = {"Authorization": f"Bearer {asking.api_key}"}
    async with aiohttp.ClientSession(f"{house_url}/api/v1/", headers=headers) as http:
        if last is not None and last.api_key_id:
            async with http.delete(f"api-keys/{last.api_key_id}"):
                pass  # it may have ended before
        async with http.post("api-keys", json={"name": NAME, "scopes": ["read", "write", "worker"]}) as answer:
            made = await answer.json(content_type=None)
            if answer.status != 201:
                raise RuntimeError(f"the house makes no key: {made}")
    operator = Operator(url=front_url, api_key=made["key"], api_key_id=made["id"], dsn=asking.dsn)
    await asyncio.to_thread(write_operator, data, operator)
