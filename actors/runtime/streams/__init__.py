"""Mail between houses over streams: a stream per partition, read by its owner, and one per house for answers.

What lives in this house is reached by reference, as fast as without. What is sent away is packed, appended to the
stream of the receiver's partition, delivered by whoever owns that, and deleted there once its turn has ended for good;
so what a house has not finished when it dies is found by the next owner. Reading takes nothing away.
"""

from actors.runtime.streams.transport import Streams

__all__ = ["Streams"]
