"""Which house owns which partition of all entities: `partition_of` says where an actor belongs."""

from actors.runtime.placement.partitions import PARTITIONS, partition_of

__all__ = ["PARTITIONS", "partition_of"]
