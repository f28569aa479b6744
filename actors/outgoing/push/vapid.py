"""Who is pushing: the house's own key pair, and the signed statement that goes with every request (RFC 8292, VAPID).

A browser subscribes with the public key, and from then on its push service takes messages from nobody else.
"""

from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from yarl import URL

LIFETIME = timedelta(hours=12)
"""Of a statement. Push services refuse more than 24 hours, and their clocks need not agree with ours."""


def make_vapid_key() -> bytes:
    """Make a private key of P-256, as PEM. With another key every browser has to subscribe anew."""
    return generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class VapidKey:
    """The key pair. ``subject``: whom a push service may turn to; empty: nobody is named."""

    def __init__(self, pem: bytes, subject: str) -> None:
        """Raises ValueError or TypeError: it is not what `make_vapid_key` makes."""
        private = load_pem_private_key(pem, None)
        if not isinstance(private, EllipticCurvePrivateKey):
            raise TypeError("not a private key of P-256")
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = urlsafe_b64encode(point).rstrip(b"=").decode()
        self._private = private
        self._subject = {"sub": subject} if subject else {}

    def authorization(self, endpoint: URL, now: datetime) -> str:
        """The header of a request: good for this push service, until `LIFETIME` is over."""
        claims = {"aud": str(endpoint.origin()).lower(), "exp": int((now + LIFETIME).timestamp()), **self._subject}
        return f"vapid t={jwt.encode(claims, self._private, algorithm='ES256')}, k={self.public_key}"
