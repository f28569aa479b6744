"""What a test does to a Redis while houses use it, and what it sees there."""

from redis import Redis


class RedisView:
    """One database of a running Redis, through short connections that block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._database = url.rsplit("/", 1)[1]

    def empty(self) -> None:
        """Forget everything."""
        with Redis.from_url(self._url) as client:
            client.flushdb()

    def cut(self) -> None:
        """End every connection but this one."""
        with Redis.from_url(self._url) as client:
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def published(self) -> int:
        """How many envelopes there were so far."""
        with Redis.from_url(self._url) as client:
            return int(client.info("commandstats").get("cmdstat_publish", {"calls": 0})["calls"])

    def listeners(self, channel: str) -> int:
        """How many houses hear a channel."""
        with Redis.from_url(self._url) as client:
            return int(client.pubsub_numsub(f"{self._database}/{channel}")[0][1])
