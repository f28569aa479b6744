"""A mail server on loopback that takes, refuses, delays, and asks for encryption and a login."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


class MailServer:
    """Keeps its port while it is down. ``refusals``: recipient -> what RCPT answers; ``delay_seconds``: before it."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0
        self.refusals: dict[str, str] = {}
        self.after_data = "250 OK"
        self.delay_seconds = 0.0
        self.connections = 0
        self._tls = tls
        self._login = login
        self._server: asyncio.Server | None = None
        self._open: set[SMTP] = set()

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Be gone, with every open connection."""
        if self._server is not None:
            self._server.close()
            for connection in self._open:
                if isinstance(connection.transport, asyncio.Transport):
                    connection.transport.abort()
            self._open.clear()
            self._server = None
            await asyncio.sleep(0)

    def _connection(self) -> SMTP:
        self.connections += 1
        connection = SMTP(
            self, hostname="mail.test", loop=asyncio.get_running_loop(), tls_context=self._tls,
            require_starttls=self._tls is not None, auth_required=self._login is not None, authenticator=self._check,
        )  # fmt: skip
        self._open.add(connection)
        return connection

    def _check(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        del server, session, envelope, mechanism
        given = cast("LoginPassword", data)
        is_right = self._login == (given.login.decode(), given.password.decode())
        return AuthResult(success=is_right, handled=False)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or not."""
        del server, session, options
        await asyncio.sleep(self.delay_seconds)
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Take a mail."""
        del server, session
        if self.after_data.startswith("2"):
            content = cast("bytes", envelope.content)
            self.mails.append(BytesParser(EmailMessage, policy=policy.default).parsebytes(content))
        return self.after_data


def text_of(mail: EmailMessage) -> str:
    """The plain form."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    """The HTML form."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def make_tls(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate of its own, and that of a client that trusts nobody else."""
    key, name = generate_private_key(SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, SHA256())
    )
    path = folder / "mail.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=path)
