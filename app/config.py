"""Every setting of a house: one Struct per section, its defaults, bounds and nature.

A field says with ``Meta(extra=...)`` what is special about it: ``reload`` (applies while the house runs), ``secret``
(taken from the environment only, never shown). A noun keeps its own settings Struct beside its actor; to add it is one
line in `Config`, and its keys in config.toml. Where values come from: `app.config_sources`.
"""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from actors.auth.settings import AuthSettings
from actors.chat.settings import ChatSettings
from actors.courier.settings import CourierSettings
from actors.letter.settings import LetterSettings
from actors.outgoing.push import PushSettings
from actors.outgoing.settings import EmailSettings, OutgoingSettings
from actors.outgoing.sms import SmsSettings
from actors.quota import QuotaSettings
from actors.task.settings import TaskSettings
from handlers.cors import check_origins
from handlers.rate_limit import LimitSettings
from handlers.realtime.settings import RealtimeSettings

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: config.toml and, unless it is set otherwise, the data live here."""

LIVE = Meta(extra={"reload": True})
SECRET = Meta(extra={"secret": True})

Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=1)]
Days = Annotated[int, Meta(ge=0), LIVE]
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(gt=0)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some settings that belong together."""


class Http(Section, frozen=True):
    """The edge: where the house listens, and whom it believes."""

    host: str = "127.0.0.1"
    port: Port = 8080
    cors_origins: list[str] = []
    trusted_proxies: list[str] = []
    body_timeout_seconds: Seconds = 10.0
    keepalive_seconds: Seconds = 15.0
    max_connections: Count = 12_000

    def __post_init__(self) -> None:
        """Refuse origins and proxies that nothing could ever match."""
        check_origins(self.cors_origins, "cors_origins")
        for network in self.trusted_proxies:
            ipaddress.ip_network(network)


class House(Section, frozen=True):
    """Who this house is among others that share its database."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,40}$")] = "house"
    address: str = ""


class Data(Section, frozen=True):
    """Where everything lies that the house keeps."""

    dir: Annotated[str, Meta(min_length=1)] = "data"
    secrets: str = ""


class Postgres(Section, frozen=True):
    """The database and how the house talks to it."""

    dsn: str = ""
    pool_min: Annotated[int, Meta(ge=0)] = 4
    pool_max: Annotated[int, Meta(ge=1, le=1000)] = 16
    lanes: Annotated[int, Meta(ge=1, le=64)] = 2
    command_timeout_seconds: Seconds = 10.0
    acquire_timeout_seconds: Seconds = 2.0

    def __post_init__(self) -> None:
        """Check what no single key can know."""
        if self.pool_min > self.pool_max:
            raise ValueError("pool_min must not be over pool_max")


class Redis(Section, frozen=True):
    """What moves mail between houses."""

    url: str = ""

    def __post_init__(self) -> None:
        """Refuse what names no Redis."""
        parts = urlsplit(self.url)
        if self.url and (parts.scheme not in {"redis", "rediss", "unix"} or not (parts.netloc or parts.path)):
            raise ValueError('url must look like "redis://host:6379/0" (rediss: with TLS; unix:///path: a socket)')


class Mailbox(Section, frozen=True):
    """How mail reaches actors, and how much of it may wait."""

    transport: Literal["memory", "redis"] = "memory"
    capacity: Count = 1_000
    house_capacity: Count = 100_000


class Log(Section, frozen=True):
    """What the house writes about itself."""

    level: Annotated[Literal["debug", "info", "warning", "error"], LIVE] = "info"
    file: str = ""
    max_bytes: Bytes = 50_000_000
    keep: Annotated[int, Meta(ge=0)] = 5


class Admin(Section, frozen=True):
    """The first super_admin, made at the first start."""

    username: Annotated[str, Meta(min_length=3, max_length=50)] = "admin"
    password: Annotated[str, SECRET] = ""


class Retention(Section, frozen=True):
    """How many days things are kept; 0 keeps them."""

    events_days: Days = 0
    tasks_days: Days = 90
    notifications_days: Days = 90
    outgoing_days: Days = 7
    dead_letters_days: Days = 30
    sessions_days: Days = 30
    scans_days: Days = 365


class Origin(NamedTuple):
    """Where a configuration came from, so that it can be explained and read again."""

    file: Path | None = None
    flags: Mapping[tuple[str, str], str] = {}  # (section, key) -> text
    sources: Mapping[tuple[str, str], str] = {}  # (section, key) -> "file", "environment" or "flag"
    mark: tuple[int, ...] = ()  # of the file as it was read, see `app.watched_file.mark_of`


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a house. The name of a field is the name of its section."""

    house: House = House()
    http: Http = Http()
    data: Data = Data()
    postgres: Postgres = Postgres()
    redis: Redis = Redis()
    mailbox: Mailbox = Mailbox()
    log: Log = Log()
    admin: Admin = Admin()
    retention: Retention = Retention()
    limits: LimitSettings = LimitSettings()
    realtime: RealtimeSettings = RealtimeSettings()
    auth: AuthSettings = AuthSettings()
    quota: QuotaSettings = QuotaSettings()
    task: TaskSettings = TaskSettings()
    outgoing: OutgoingSettings = OutgoingSettings()
    email: EmailSettings = EmailSettings()
    push: PushSettings = PushSettings()
    sms: SmsSettings = SmsSettings()
    chat: ChatSettings = ChatSettings()
    courier: CourierSettings = CourierSettings()
    letter: LetterSettings = LetterSettings()
    origin: Origin = Origin()  # not a section

    def __post_init__(self) -> None:
        """Check what no single section can know."""
        if self.mailbox.transport == "redis" and not self.redis.url:
            raise ValueError(
                '[mailbox] transport = "redis" needs [redis] url, the same for every house: set POSTHOUSE_REDIS_URL, '
                'such as "redis://127.0.0.1:6379/0", or let `python3 main.py cluster` start a Redis for its houses'
            )

    @property
    def address(self) -> str:
        """Where others and people find this house."""
        return self.house.address or f"{self.http.host}:{self.http.port}"

    @property
    def secrets_folder(self) -> Path:
        """Where signing keys and other secrets lie; houses of one cluster share them."""
        return ROOT / self.data.secrets if self.data.secrets else self.data_folder / "secrets"

    @property
    def data_folder(self) -> Path:
        """The data folder; one that is not absolute lies in the checkout, wherever the command was given."""
        return ROOT / self.data.dir

    @property
    def log_file(self) -> Path:
        """The file that log lines go to."""
        return ROOT / self.log.file if self.log.file else self.data_folder / "logs" / "posthouse.log"


def sections() -> dict[str, type[Struct]]:
    """Return the Struct of every section by its name, in the order of `Config`."""
    return {name: kind for name, kind in get_type_hints(Config).items() if name != "origin"}


class Setting(NamedTuple):
    """One setting as it is in force. ``source``: "default", "file", "environment" or "flag"."""

    section: str
    key: str
    value: Any  # as JSON may hold it; masked where it is secret
    source: str


class Change(NamedTuple):
    """One setting that differs between two configurations. ``applies``: now; otherwise it needs a restart."""

    section: str
    key: str
    old: Any  # masked where it is secret
    new: Any
    applies: bool


def effective(config: Config) -> list[Setting]:
    """List every setting with its value and where that came from; secrets are masked."""
    return [
        Setting(section, key, _masked(kind, getattr(getattr(config, section), key)), _source(config, section, key))
        for section, keys in _kinds().items()
        for key, kind in keys.items()
    ]


def compare(old: Config, new: Config) -> list[Change]:
    """List what differs, in the order of `Config`. Where it came from does not matter."""
    changes = []
    for section, keys in _kinds().items():
        for key, kind in keys.items():
            before, after = (getattr(getattr(config, section), key) for config in (old, new))
            if before != after:
                changes.append(
                    Change(section, key, _masked(kind, before), _masked(kind, after), is_marked(kind, "reload"))
                )
    return changes


def key_types(section: type[Struct]) -> dict[str, Any]:
    """Return the types of a section's keys, with their `Meta`, by name."""
    return {
        name: kind
        for name, kind in get_type_hints(section, include_extras=True).items()
        if name in section.__struct_fields__
    }


def is_marked(kind: Any, mark: str) -> bool:
    """Whether a key's type carries ``Meta(extra={mark: True})``."""
    if get_origin(kind) is not Annotated:
        return False
    return any(isinstance(meta, Meta) and (meta.extra or {}).get(mark, False) for meta in kind.__metadata__)


def _kinds() -> dict[str, dict[str, Any]]:
    return {name: key_types(section) for name, section in sections().items()}


def _source(config: Config, section: str, key: str) -> str:
    return config.origin.sources.get((section, key), "default")


def _masked(kind: Any, value: Any) -> Any:
    """Return a value as JSON may hold it, without a secret and without the password inside an address."""
    value = msgspec.to_builtins(value)
    if is_marked(kind, "secret"):
        return "***" if value else ""
    if isinstance(value, str) and "://" in value:
        return _mask_address(value)
    return value


def _mask_address(address: str) -> str:
    try:
        password = urlsplit(address).password
    except ValueError:
        return "***"
    hidden = address.replace(f":{password}@", ":***@", 1) if password else address
    return re.sub(r"(?i)([?&](?:password|sslpassword)=)[^&]*", r"\1***", hidden)
