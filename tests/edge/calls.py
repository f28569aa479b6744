"""How tests call the edge: as a client does, and byte by byte."""

import asyncio
import json
from typing import Any

from tests.edge.conftest import House

JSON = {"Content-Type": "application/json"}
HEAD = (
    b"POST /api/v1/notes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Authorization: Bearer alice\r\nContent-Type: application/json\r\n"
)
NOBODY = "0198b7a0-0000-7000-8000-0000000000ff"


async def call(house: House, method: str, path: str, token: str | None = "alice", **options: Any) -> tuple[Any, Any]:
    headers = {**(house.as_(token) if token else {}), **options.pop("headers", {})}
    async with house.http.request(method, f"/api/v1{path}", headers=headers, **options) as answer:
        raw = await answer.read()
        return answer, json.loads(raw) if raw else None


async def raw_answer(house: House, data: bytes) -> str:
    """Send bytes as they are and return all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer.decode()
