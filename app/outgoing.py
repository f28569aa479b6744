"""What leaves the house, put together: which channels are on, what writes their rows, and who sends them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

import structlog

from actors.messages.notification import Channel
from actors.outgoing.account_mail import AccountMail
from actors.outgoing.delivery import Delivery
from actors.outgoing.desk import OutgoingDesk
from actors.outgoing.port import Outlet
from actors.outgoing.post import Post
from actors.outgoing.push import PushBook, PushSender
from actors.outgoing.seal import Seal
from actors.outgoing.sms import SmsBook, SmsSender
from actors.outgoing.smtp import EmailBook, SmtpSender
from actors.public_addresses import open_session
from actors.runtime.actor import Ref
from actors.runtime.ports import Clock
from app.config import Config
from app.keyring import keep_secret, open_vapid_key
from app.metrics import Figure, Metrics
from app.pacing import looks_of
from storage.outgoing import OutgoingStore
from storage.postgres import Database
from storage.push import PushStore
from storage.sms import SmsStore

log = structlog.get_logger()
FIGURES = (
    Figure("sent", "What was taken over by the other side", is_counter=True),
    Figure("failed", "Attempts that failed and will be repeated", is_counter=True),
    Figure("dead", "What was refused, or has used its attempts up", is_counter=True),
    Figure("dropped", "What was read meanwhile, came too late, or has no address", is_counter=True),
    Figure("breaker", "0: the channel is well; 1: it is being tried; 2: it is left alone"),
)


def channels_on(config: Config) -> Mapping[Channel, float]:
    """The channels that leave the house, with the seconds that their digests gather."""
    on: dict[Channel, float] = {}
    if config.email.host:
        on["email"] = config.email.digest_minutes * 60
    if config.push.enabled:
        on["push"] = 0.0
    if config.sms.url:
        on["sms"] = 0.0
    return on


class Outgoing:
    """What writes the rows, and what shows them; who sends them is opened with `open_deliveries`."""

    def __init__(self, config: Config, database: Database) -> None:
        self.channels = channels_on(config)
        self.deliveries: Sequence[Delivery] = ()
        self.store = OutgoingStore(database)
        self.post = Post(self.channels, self.wake)
        self.seal = Seal(keep_secret(config.secrets_folder / "outgoing")) if config.email.host else None
        self.mailer = None if self.seal is None else AccountMail(self.seal, self.wake)
        self.desk = OutgoingDesk(self.store, self.wake)

    def wake(self) -> None:
        """Something was written, and is committed."""
        for delivery in self.deliveries:
            delivery.wake()

    def watch(self, metrics: Metrics) -> None:
        """Show figures of each channel that is on."""
        metrics.watch(
            "outgoing", FIGURES, lambda: {one.channel: one.statistics() for one in self.deliveries}, label="channel"
        )


async def open_deliveries(
    outgoing: Outgoing,
    config: Config,
    *,
    database: Database,
    clock: Clock,
    ref: Callable[[str, str], Ref],
    stack: AsyncExitStack,
) -> None:
    """Make a worker for each channel that is on; nothing runs yet. Says once what is off."""
    outlets = []
    if outgoing.seal is not None:
        sender = SmtpSender(config.email, outgoing.seal, clock)
        outlets.append(Outlet(sender, EmailBook(outgoing.store)))
    else:
        log.info("email_off", reason="[email] host is empty")
    outlets += await _open_http(config, database, clock, ref, stack)
    outgoing.deliveries = [
        Delivery(one, outgoing.store, clock, config.outgoing, looks_of(config, config.outgoing.poll_seconds))
        for one in outlets
    ]


async def _open_http(
    config: Config, database: Database, clock: Clock, ref: Callable[[str, str], Ref], stack: AsyncExitStack
) -> list[Outlet]:
    """Channels that are reached over HTTP. A provider is the administrator's choice, push services are anybody's."""
    outlets = []
    if config.push.enabled:
        push = config.push
        session = await stack.enter_async_context(
            open_session(
                allow_private=push.allow_private, timeout_seconds=push.timeout_seconds, connections=2 * push.concurrency
            )
        )
        store = PushStore(database)
        sender = PushSender(store, open_vapid_key(config), session, clock, push.ttl_seconds)
        outlets.append(Outlet(sender, PushBook(store, ref), concurrency=push.concurrency))
    else:
        log.info("push_off", reason="[push] enabled is false")
    if config.sms.url:
        session = await stack.enter_async_context(
            open_session(
                allow_private=True, timeout_seconds=config.sms.timeout_seconds, connections=2 * config.sms.concurrency
            )
        )
        book = SmsBook(SmsStore(database), config.sms.country_code)
        outlets.append(Outlet(SmsSender(config.sms, session, clock), book, concurrency=config.sms.concurrency))
    else:
        log.info("sms_off", reason="[sms] url is empty")
    return outlets
