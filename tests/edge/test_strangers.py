"""Limits by address, proxies, and pages of other origins, over real sockets."""

import pytest

from handlers.rate_limit import LimitSettings
from tests.edge.calls import NOBODY, call
from tests.edge.conftest import House, Start


async def test_one_request_too_many_is_429_and_others_are_not_touched(start: Start) -> None:
    house: House = await start(LimitSettings(read="2/hour"))
    left = [(await call(house, "GET", "/notes"))[0].headers["RateLimit-Remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    answer, problem = await call(house, "GET", "/notes")
    assert (answer.status, problem["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 1_800
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert (await call(house, "GET", "/notes", "bob"))[0].status == 200
    assert (await call(house, "POST", "/notes", json={"text": "a"}))[0].status == 201


async def test_bad_tokens_use_up_what_their_address_has(start: Start) -> None:
    house: House = await start(LimitSettings(read="2/hour"))
    statuses = [(await call(house, "GET", "/notes", f"guess-{n}"))[0].status for n in range(4)]
    assert statuses == [401, 401, 429, 429]


async def test_without_limits_there_are_no_limit_headers(start: Start) -> None:
    house: House = await start(LimitSettings(enabled=False))
    assert "RateLimit-Limit" not in (await call(house, "GET", "/notes"))[0].headers


FORGED = {"X-Forwarded-For": "203.0.113.9"}


async def test_a_strangers_proxy_header_counts_nothing(house: House) -> None:
    assert (await call(house, "GET", "/people/me", headers=FORGED))[1]["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 127.0.0.5", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
async def test_behind_a_trusted_proxy_the_nearest_stranger_is_the_client(
    start: Start, header: str, address: str
) -> None:
    house: House = await start(trusted_proxies=["127.0.0.0/8"])
    assert (await call(house, "GET", "/people/me", headers={"X-Forwarded-For": header}))[1]["address"] == address


PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}


async def test_an_allowed_page_may_ask_and_read(start: Start) -> None:
    house: House = await start(cors_origins=["https://app.example"])
    origin = {"Origin": "https://app.example"}
    answer, _ = await call(house, "OPTIONS", f"/notes/{NOBODY}", None, headers={**origin, **PREFLIGHT})
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    answer, _ = await call(house, "GET", "/notes", headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "RateLimit-Remaining" in answer.headers["Access-Control-Expose-Headers"]


async def test_another_page_is_told_nothing(start: Start) -> None:
    house: House = await start(cors_origins=["https://app.example"])
    for method, more in (("OPTIONS", PREFLIGHT), ("GET", {})):
        answer, _ = await call(house, method, "/notes", headers={"Origin": "https://evil.example", **more})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


async def test_options_that_is_no_preflight_is_405(house: House) -> None:
    assert (await call(house, "OPTIONS", "/notes"))[0].status == 405
