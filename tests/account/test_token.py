"""What tokens are refused, and how keys rotate."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from msgspec.structs import replace

from actors.auth.keys import Key, KeyRing, open_key_ring
from tests.account.house import CHEAP, AccountHouse, open_house


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def sign(key: Key, claims: dict[str, Any], **headers: Any) -> str:
    return jwt.encode(claims, key.signing, key.algorithm, {"kid": key.kid, **headers})


def without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}


def by_hmac_512(key: Key, claims: dict[str, Any]) -> str:
    secret = key.signing if isinstance(key.signing, bytes) else b"0" * 64
    text = f"{part({'alg': 'HS512', 'typ': 'JWT', 'kid': key.kid})}.{part(claims)}"
    signature = hmac.digest(secret, text.encode(), "sha512")
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


Forge = Callable[[Key, dict[str, Any]], str]
OTHER_SECRET = "0" * 32

ATTACKS: dict[str, Forge] = {
    "algorithm none": lambda key, c: f"{part({'alg': 'none', 'typ': 'JWT', 'kid': key.kid})}.{part(c)}.",
    "algorithm None in other letters": lambda key, c: f"{part({'alg': 'nOnE', 'kid': key.kid})}.{part(c)}.",
    "no signature": lambda key, c: sign(key, c).rpartition(".")[0] + ".",
    "cut signature": lambda key, c: sign(key, c)[:-4],
    "changed claims": lambda key, c: ".".join(
        [sign(key, c).split(".")[0], part({**c, "user_id": "x", "sub": "x"}), sign(key, c).split(".")[2]]
    ),
    "another secret": lambda key, c: jwt.encode(c, OTHER_SECRET, "HS256", {"kid": key.kid}),
    "another algorithm of the family": by_hmac_512,
    "no kid": lambda key, c: jwt.encode(c, key.signing, key.algorithm),
    "unknown kid": lambda key, c: sign(key, c, kid="2"),
    "kid that is a path": lambda key, c: sign(key, c, kid="../../../../dev/null"),
    "kid that is SQL": lambda key, c: sign(key, c, kid="1' union select 'x"),
    "kid that is an address": lambda key, c: sign(key, c, kid="https://evil.example/jwks.json"),
    "kid with NUL": lambda key, c: sign(key, c, kid="1\0"),
    "kid that is a list": lambda key, c: f"{part({'alg': key.algorithm, 'kid': [key.kid]})}.{part(c)}.AAAA",
    "own key in the header": lambda key, c: jwt.encode(
        c, OTHER_SECRET, "HS256", {"kid": key.kid, "jwk": {"kty": "oct", "k": part(OTHER_SECRET)}}
    ),
    "address of keys in the header": lambda _, c: jwt.encode(
        c, OTHER_SECRET, "HS256", {"kid": "evil", "jku": "https://evil.example/jwks.json"}
    ),
    "an unknown critical extension": lambda key, c: sign(key, c, crit=["x"], x=1),
    "ended": lambda key, c: sign(key, {**c, "exp": c["iat"] - 1}),
    "never ends": lambda key, c: sign(key, without(c, "exp")),
    "ends in words": lambda key, c: sign(key, {**c, "exp": "tomorrow"}),
    "wrong audience": lambda key, c: sign(key, {**c, "aud": "another"}),
    "no audience": lambda key, c: sign(key, without(c, "aud")),
    "wrong issuer": lambda key, c: sign(key, {**c, "iss": "another"}),
    "wrong type": lambda key, c: sign(key, {**c, "typ": "refresh"}),
    "no type": lambda key, c: sign(key, without(c, "typ")),
    "no session": lambda key, c: sign(key, without(c, "sid")),
    "session that is no id": lambda key, c: sign(key, {**c, "sid": "1"}),
    "session that does not exist": lambda key, c: sign(key, {**c, "sid": c["user_id"]}),
    "subject and user differ": lambda key, c: sign(key, {**c, "sub": c["sid"]}),
    "somebody else's user with this session": lambda key, c: sign(key, {**c, "sub": c["sid"], "user_id": c["sid"]}),
    "claims that are a list": lambda key, _: f"{part({'alg': key.algorithm, 'kid': key.kid})}.{part([])}.AAAA",
    "not base64": lambda *_: "a.b!.c",
    "two parts": lambda key, c: sign(key, c).rpartition(".")[0],
    "empty parts": lambda *_: "..",
    "words": lambda *_: "token",
    "an API key of nobody": lambda *_: f"ph_{'0' * 32}_{'x' * 43}",
}


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA", "ES256"])
async def test_forged_and_ended_tokens_are_refused(database_dsn: str, tmp_path: Path, algorithm: Any) -> None:
    async with open_house(database_dsn, tmp_path, replace(CHEAP, algorithm=algorithm)) as house:
        ada = await house.register("ada")
        claims = claims_of(ada["access_token"])
        assert (await house.call("GET", "/users/me", token=sign(house.keys.current, claims))).status == 200
        passed = {}
        for name, forge in ATTACKS.items():
            answer = await house.call("GET", "/users/me", token=forge(house.keys.current, claims))
            if answer.status != 401 or "WWW-Authenticate" not in answer.headers:
                passed[name] = answer.status
        assert passed == {}


async def test_a_public_key_is_no_shared_secret(database_dsn: str, tmp_path: Path) -> None:
    async with open_house(database_dsn, tmp_path, replace(CHEAP, algorithm="EdDSA")) as house:
        claims = claims_of((await house.register("ada"))["access_token"])
        public = (await house.call("GET", "/.well-known/jwks.json"))["keys"][0]["x"]
        for secret in (public.encode(), base64.urlsafe_b64decode(public + "=")):
            forged = jwt.encode(claims, secret, "HS256", {"kid": "1"})
            assert (await house.call("GET", "/users/me", token=forged)).status == 401


async def test_a_token_says_who_and_never_what_role(house: AccountHouse) -> None:
    ada = await house.register("ada")
    claims = claims_of(ada["access_token"])
    assert claims.keys() == {"sub", "user_id", "sid", "aud", "iss", "typ", "exp", "iat"}
    assert claims["sub"] == claims["user_id"] == ada["user"]["id"] and claims["exp"] - claims["iat"] == 900
    assert jwt.get_unverified_header(ada["access_token"])["kid"] == "1"


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
async def test_the_public_key_verifies_what_the_house_signs(database_dsn: str, tmp_path: Path, algorithm: Any) -> None:
    async with open_house(database_dsn, tmp_path, replace(CHEAP, algorithm=algorithm)) as house:
        token = (await house.register("ada"))["access_token"]
        found = (await house.call("GET", "/.well-known/jwks.json")).body
        key = jwt.PyJWKSet.from_dict(found)["1"]
        assert jwt.decode(token, key.key, [algorithm], audience="posthouse")["typ"] == "access"
        assert "d" not in found["keys"][0]


async def test_a_shared_secret_is_not_published(house: AccountHouse) -> None:
    assert (await house.call("GET", "/.well-known/jwks.json")).body == {"keys": []}


async def test_a_new_key_logs_nobody_out(database_dsn: str, tmp_path: Path) -> None:
    async with open_house(database_dsn, tmp_path) as house:
        ada = await house.register("ada")
    async with open_house(database_dsn, tmp_path, replace(CHEAP, signing_key="2", algorithm="ES256")) as house:
        assert (await house.call("GET", "/users/me", token=ada["access_token"])).status == 200
        fresh = await house.refresh(ada["refresh_token"])
        header = jwt.get_unverified_header(fresh["access_token"])
        assert (header["kid"], header["alg"]) == ("2", "ES256")
        assert (await house.call("GET", "/users/me", token=fresh["access_token"])).status == 200


def test_keys_are_kept_for_their_owner_alone_and_end_when_their_tokens_have(tmp_path: Path) -> None:
    path, now = tmp_path / "keys.json", datetime.now(UTC)

    def ring(kid: str, at: datetime) -> KeyRing:
        return open_key_ring(path, kid=kid, algorithm="HS256", keep_seconds=900, now=at)

    first = ring("1", now)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ring("1", now).current.signing == first.current.signing
    second = ring("2", now)
    assert second.current.kid == "2" and second.find("1", now) is not None
    assert second.find("1", now + timedelta(seconds=901)) is None
    later = ring("3", now + timedelta(seconds=901))
    assert later.find("1", now) is None and later.find("2", now) is not None
    back = ring("1", now)
    assert back.current.kid == "1" and back.current.signing != first.current.signing


async def test_other_services_may_ask_what_a_token_stands_for(house: AccountHouse) -> None:
    ada = await house.register("ada")
    answer = await house.call("POST", "/auth/verify", {"token": ada["access_token"]})
    assert answer.status == 200
    assert (answer["active"], answer["user_id"], answer["role"]) == (True, ada["user"]["id"], "user")
    ends = datetime.fromisoformat(answer["expires_at"])
    assert timedelta(seconds=890) < ends - datetime.now(UTC) <= timedelta(seconds=900)
    await house.call("POST", "/auth/logout", token=ada["access_token"])
    nothing = {"active": False, "user_id": None, "role": None, "expires_at": None}
    for token in (ada["access_token"], "nonsense"):
        assert (await house.call("POST", "/auth/verify", {"token": token})).body == nothing
