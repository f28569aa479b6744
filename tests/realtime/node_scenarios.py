"""What the JavaScript client must be able to do, for any house: by its URL, tokens and a way to publish."""

import asyncio
from operator import itemgetter
from typing import Any

from tests.realtime.node_judge import Judge
from tests.realtime.proxy import Proxy
from tests.realtime.scenarios import Act, Number, Publish


async def recovers_every_publication(
    url: str, token: str, channel: str, publish: Publish, count: int = 300, number_of: Number = itemgetter("number")
) -> None:
    """Lose the TCP connection twice in the middle of a stream: every publication arrives once, in order."""
    async with Proxy.to(url) as proxy, Judge.watching(proxy.url, token) as judge:
        await judge.order("connect")
        await judge.order("subscribe", channel=channel)
        await judge.until("subscribed")
        for number in range(count):
            await publish(number)
            if number in {count // 3, count * 2 // 3}:
                proxy.cut()
            await asyncio.sleep(0.002)
        while len(judge.all("publication")) < count:
            await judge.until("publication")
        assert [number_of(report["data"]) for report in judge.all("publication")] == list(range(count))
        assert len(judge.all("connected")) == 3
        recoveries = [(report["wasRecovering"], report["recovered"]) for report in judge.all("subscribed")]
        assert recoveries == [(False, False), (True, True), (True, True)]


async def calls(url: str, token: str, method: str, data: Any) -> dict[str, Any]:
    """Call an operation once; return what the client reports of it."""
    async with Judge.watching(url, token) as judge:
        await judge.order("connect")
        await judge.until("connected")
        await judge.order("rpc", method=method, data=data)
        return await judge.until("rpc")


async def is_refused(url: str, token: str, code: int) -> None:
    """Connect with a bad token: the client is told not to come back."""
    async with Judge.watching(url, token) as judge:
        await judge.order("connect")
        assert (await judge.until("disconnected"))["code"] == code
        assert not judge.all("connected")


async def fetches_a_token(url: str, expired: str, fresh: str) -> None:
    """Connect with an expired token: the client asks for another one and gets in."""
    async with Judge.watching(url, expired, fresh) as judge:
        await judge.order("connect")
        await judge.until("connected")
        assert len(judge.all("token_asked")) == 1


async def outlives_its_token(url: str, short: str, fresh: str, seconds: float) -> None:
    """Connect with a token that ends soon: the client refreshes it and is not disconnected."""
    async with Judge.watching(url, short, fresh) as judge:
        await judge.order("connect")
        await judge.until("connected")
        await judge.until("token_asked")
        await asyncio.sleep(seconds)
        await judge.order("rpc", method="no.such", data={})
        assert (await judge.until("rpc"))["code"] == 104
        assert len(judge.all("connected")) == 1


async def is_ended_by(url: str, token: str, act: Act, code: int) -> None:
    """Connect, let the house act (revoke, disconnect): the client is closed at once and stays away."""
    async with Judge.watching(url, token) as judge:
        await judge.order("connect")
        await judge.until("connected")
        await act()
        assert (await judge.until("disconnected", 2))["code"] == code
