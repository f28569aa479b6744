"""Which house owns which partition of all entities, and how that changes while houses come and go."""

from actors.runtime.placement.partitions import PARTITIONS, partition_of
from actors.runtime.placement.placement import Placement

__all__ = ["PARTITIONS", "Placement", "partition_of"]
