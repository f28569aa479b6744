"""A browser and its push service: what the house sends is judged here by code of its own, from the RFCs."""

import os
import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import jwt
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DAY = 86_400


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point_of(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def decrypt(body: bytes, private: EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """RFC 8291, section 3.4, over RFC 8188: one record, whose delimiter is 2."""
    salt, record_size, id_length = body[:16], *struct.unpack("!LB", body[16:21])
    sender, sealed = body[21 : 21 + id_length], body[21 + id_length :]
    assert id_length == 65, "the key id is the sender's public key"
    assert len(sealed) <= record_size, "Web Push has one record"
    shared = private.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender))
    mine = point_of(private.public_key())
    secret = derive(shared, auth, b"WebPush: info\x00" + mine + sender, 32)
    key = derive(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = derive(secret, salt, b"Content-Encoding: nonce\x00", 12)
    padded = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00")
    assert padded[-1] == 2
    return padded[:-1]


class Pushed(NamedTuple):
    """One request that the push service took or turned away."""

    status: int
    message: dict[str, Any]
    headers: dict[str, str]
    claims: dict[str, Any]


class Browser:
    """Has subscribed at a push service, with the house's public key."""

    def __init__(self, service: "PushService", server_key: str) -> None:
        self.private = generate_private_key(SECP256R1())
        self.auth = os.urandom(16)
        self.server_key = server_key
        self.token = b64(os.urandom(12))
        self.endpoint = f"{service.url}/push/{self.token}"
        self.answers: list[tuple[int, dict[str, str]]] = []  # then 201
        self.pushed: list[Pushed] = []
        service.browsers[self.token] = self

    @property
    def subscription(self) -> dict[str, Any]:
        """What ``PushSubscription.toJSON()`` gives."""
        return {
            "endpoint": self.endpoint,
            "keys": {"p256dh": b64(point_of(self.private.public_key())), "auth": b64(self.auth)},
        }

    @property
    def shown(self) -> list[dict[str, Any]]:
        """What it has been given to show."""
        return [one.message for one in self.pushed if one.status == 201]

    def renew_keys(self) -> None:
        """Forget the old ones."""
        self.private, self.auth = generate_private_key(SECP256R1()), os.urandom(16)


class PushService:
    """Serves browsers. What is signed or sealed wrongly is answered 400 and kept in ``faults``."""

    def __init__(self) -> None:
        self.url = ""
        self.browsers: dict[str, Browser] = {}
        self.faults: list[str] = []
        self.paths: list[str] = []
        self.most_bytes = 4_096

    async def take(self, request: web.Request) -> web.Response:
        """RFC 8030, section 5, for requests with VAPID."""
        self.paths.append(request.raw_path)
        body = await request.read()
        browser = self.browsers[request.match_info["token"]]
        try:
            claims = self._check_statement(request.headers["Authorization"], browser.server_key)
            assert request.headers["Content-Encoding"] == "aes128gcm"
            assert int(request.headers["TTL"]) >= 0
            message = msgspec.json.decode(decrypt(body, browser.private, browser.auth))
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the test must hear of it
            self.faults.append(repr(error))
            return web.Response(status=400)
        status, headers = browser.answers.pop(0) if browser.answers else (201, {})
        if len(body) > self.most_bytes:
            status = 413
        browser.pushed.append(Pushed(status, message, dict(request.headers), claims))
        return web.Response(status=status, headers=headers)

    def _check_statement(self, header: str, server_key: str) -> dict[str, Any]:
        """RFC 8292, sections 2 and 3: signed by the key that the browser subscribed with, for us, for at most a day."""
        scheme, _, rest = header.partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert scheme == "vapid"
        assert parts["k"] == server_key
        public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), unb64(parts["k"]))
        claims: dict[str, Any] = jwt.decode(
            parts["t"], public, algorithms=["ES256"], audience=self.url, options={"require": ["aud", "exp"]}
        )
        assert claims["exp"] <= time.time() + DAY
        return claims


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    """A push service that listens on this machine."""
    service, app = PushService(), web.Application()
    app.router.add_post("/push/{token}", service.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield service
        assert service.faults == []
    finally:
        await runner.cleanup()
