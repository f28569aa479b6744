"""Every route without a token, with a stranger's, and with one that may too little; nothing is changed by any of it."""

import json

import aiohttp
import pytest

from handlers.operation import Access
from tests.faults.world import ROUTES, World, call

GUARDED = [name for name, operation in ROUTES.items() if operation.access is not Access.PUBLIC]
ABOUT_ADA = [name for name in ROUTES if "{" in name]
PUBLIC_FIELDS = {"id", "username", "avatar", "courier_level"}


@pytest.mark.parametrize("route", GUARDED)
async def test_without_a_valid_token_nothing_is_told(
    untouched: World, client: aiohttp.ClientSession, route: str
) -> None:
    operation = ROUTES[route]
    for token in (None, "Bearer nobody's", "Basic YWRhOmFkYQ==", "Bearer", "Bearer \u00e9"):
        headers = {} if token is None else {"Authorization": token}
        url = untouched.url(operation)
        answer = await call(client, operation.method, url, json=operation.example, headers=headers)
        assert (answer.status, json.loads(answer.body)["code"]) == (401, "unauthorized"), token
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("route", ABOUT_ADA)
async def test_what_is_somebody_elses_does_not_exist(
    untouched: World, client: aiohttp.ClientSession, route: str
) -> None:
    operation = ROUTES[route]
    answer = await call(
        client, operation.method, untouched.url(operation), json=operation.example, headers=untouched.eve.headers
    )
    is_open = operation.access in {Access.USER, Access.PUBLIC}
    expected = (404, "not_found") if is_open else (403, "forbidden")
    assert (answer.status, json.loads(answer.body)["code"]) == expected


async def test_of_whom_one_has_not_been_blocked_by_one_sees_what_everybody_may(
    untouched: World, client: aiohttp.ClientSession
) -> None:
    url = f"{untouched.house.url}/api/v1/users/{untouched.eve.id}"
    answer = await call(client, "GET", url, headers=untouched.ada.headers)
    assert answer.status == 200 and json.loads(answer.body).keys() == PUBLIC_FIELDS


@pytest.mark.parametrize("route", [name for name in GUARDED if ROUTES[name].access is not Access.USER])
async def test_what_is_for_administrators_and_workers_is_refused_to_people(
    untouched: World, client: aiohttp.ClientSession, route: str
) -> None:
    operation = ROUTES[route]
    answer = await call(
        client, operation.method, untouched.url(operation), json=operation.example, headers=untouched.ada.headers
    )
    assert (answer.status, json.loads(answer.body)["code"]) == (403, "forbidden")


LISTS = ["/tasks", "/notifications", "/notifications/push-subscriptions", "/auth/sessions", "/api-keys"]


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_holds_nothing_of_others(untouched: World, client: aiohttp.ClientSession, path: str) -> None:
    url = f"{untouched.house.url}/api/v1{path}"
    hers = await call(client, "GET", url, headers=untouched.ada.headers)
    others = await call(client, "GET", url, headers=untouched.eve.headers)
    shown = {item["id"] for item in json.loads(hers.body)["items"]}
    assert shown & {*untouched.ids.values()}
    assert not shown & {item["id"] for item in json.loads(others.body)["items"]}


async def test_tasks_of_others_cannot_be_asked_for(untouched: World, client: aiohttp.ClientSession) -> None:
    url = f"{untouched.house.url}/api/v1/tasks?user_id={untouched.ada.id}"
    assert (await call(client, "GET", url, headers=untouched.eve.headers)).status == 403


async def test_a_role_cannot_be_taken(untouched: World, client: aiohttp.ClientSession) -> None:
    url, headers = f"{untouched.house.url}/api/v1/users/me", untouched.eve.headers
    for body in ({"role": "admin"}, {"status": "active"}, {"id": untouched.ada.id}, {"courier_level": 4}):
        assert (await call(client, "PATCH", url, json=body, headers=headers)).status == 400
    for name, body in (("role", {"role": "admin"}), ("quota", {"max_tasks": 10**6})):
        assert (await call(client, "PATCH", f"{url}/{name}", json=body, headers=headers)).status == 403
    wanted = {"name": "all", "scopes": ["worker"]}
    keys = f"{untouched.house.url}/api/v1/api-keys"
    assert (await call(client, "POST", keys, json=wanted, headers=headers)).status == 403
