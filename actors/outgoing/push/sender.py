"""Takes parcels to push services, each of which a browser has chosen for itself."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256

from aiohttp import ClientConnectorError, ClientError, ClientSession, InvalidURL
from yarl import URL

from actors.errors import DomainError
from actors.messages.notification import Channel
from actors.messages.push import ForgetPush
from actors.outgoing.port import Deferred, Parcel, Reach, Recipient, Rejected
from actors.outgoing.push.hosts import Hosts
from actors.outgoing.push.payload import FEWER_BYTES, MOST_BYTES, describe, fit, seal
from actors.outgoing.push.vapid import VapidKey
from actors.outgoing.retry_after import read_retry_after
from actors.public_addresses import PrivateAddress
from actors.runtime.actor import Ref
from actors.runtime.message import SYSTEM
from actors.runtime.ports import Clock
from storage.postgres import Record
from storage.push import PushStore

URGENCY = {"low": "low", "normal": "normal", "high": "high", "critical": "high"}
_TRY_LATER = {408, 425, 429}
_GONE = {404, 410}
_TOO_LARGE = 413


class PushBook:
    """Implements `AddressBook`: an address is the id of a subscription, so that no key of a browser lies elsewhere."""

    def __init__(self, store: PushStore, ref: Callable[[str, str], Ref]) -> None:
        self._store = store
        self._ref = ref

    async def reach(self, recipient: Recipient) -> Reach:
        """Every subscription of the person."""
        rows = await self._store.list_addresses(recipient.user_id)
        if not rows:
            return Reach("", (), "no such person")
        if not rows[0]["is_active"]:
            return Reach(rows[0]["username"], (), "the account is blocked")
        return Reach(rows[0]["username"], [row["id"] for row in rows if row["id"] is not None], "no subscription")

    async def forget(self, user_id: str, address: str) -> None:
        """Drop a subscription."""
        try:
            await self._ref("push", "").ask(ForgetPush(push_id=address, user_id=user_id), SYSTEM)
        except DomainError as error:
            raise ConnectionError(error.detail) from error


class PushSender:
    """Implements `Sender`. A push service that cannot be reached only defers what goes there.

    People name the push services, so that the trouble of one says nothing of the others: were it the channel's, anybody
    could stop it for everybody with a few endpoints that do not answer.
    """

    channel: Channel = "push"

    def __init__(self, store: PushStore, key: VapidKey, session: ClientSession, clock: Clock, ttl_seconds: int) -> None:
        self._store = store
        self._key = key
        self._session = session
        self._clock = clock
        self._ttl_seconds = ttl_seconds
        self._hosts = Hosts(clock.monotonic)

    async def send(self, parcel: Parcel) -> None:
        """Push it to one browser; one that is too large for its push service goes again, smaller."""
        subscription = await self._store.get_push(parcel.address, parcel.user_id)
        if subscription is None:
            raise Rejected("the subscription was ended")
        answer = await self._post(parcel, subscription, MOST_BYTES)
        if answer[0] == _TOO_LARGE:
            answer = await self._post(parcel, subscription, FEWER_BYTES)
        self._judge(*answer)

    async def _post(self, parcel: Parcel, subscription: Record, most_bytes: int) -> tuple[int, str | None]:
        """Return the status, and ``Retry-After``. The rest of an answer is nothing that we would believe."""
        body = seal(fit(describe(parcel), most_bytes), subscription["p256dh"], subscription["auth"])
        endpoint = URL(subscription["endpoint"], encoded=True)
        breaker = self._hosts.breaker(endpoint.host or "")
        if not breaker.allows(1):
            raise Deferred("the push service is left alone for a while", after_seconds=breaker.seconds_left)
        try:
            async with self._session.post(
                endpoint, data=body, headers=self._headers(parcel, endpoint), allow_redirects=False
            ) as answer:
                breaker.succeed()
                return answer.status, answer.headers.get("Retry-After")
        except InvalidURL:
            raise Rejected("the endpoint is no address") from None
        except (ClientError, OSError) as error:  # whose text may quote the endpoint
            if isinstance(error, ClientConnectorError) and isinstance(error.os_error, PrivateAddress):
                raise Rejected("the endpoint leads to no public address") from None
            breaker.fail()
            raise Deferred(f"the push service did not answer: {type(error).__name__}") from None

    def _headers(self, parcel: Parcel, endpoint: URL) -> dict[str, str]:
        headers = {
            "Authorization": self._key.authorization(endpoint, self._clock.now()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(self._ttl_seconds),
            "Urgency": URGENCY[parcel.priority],
            "User-Agent": "Posthouse",
        }
        if parcel.priority != "critical":  # which replaces nothing, and is replaced by nothing
            headers["Topic"] = topic(parcel)
        return headers

    def _judge(self, status: int, retry_after: str | None) -> None:
        if 200 <= status < 300:
            return
        said = f"the push service answered {status}"
        if status in _TRY_LATER or status >= 500:
            raise Deferred(said, after_seconds=read_retry_after(retry_after, self._clock.now()))
        raise Rejected(said, address_is_gone=status in _GONE)


def topic(parcel: Parcel) -> str:
    """What a newer message takes the place of, where the older one still waits for its browser: those of its type.

    32 letters of a hash: a push service learns neither the type, nor who else gets the same.
    """
    named = f"{parcel.address}:{parcel.entries[0].type}".encode()
    return urlsafe_b64encode(sha256(named).digest()[:24]).decode()
