"""Where an entity belongs is the same everywhere and for ever."""

from collections import Counter

from actors.runtime.placement import PARTITIONS, partition_of


def test_an_entity_belongs_where_it_always_did() -> None:
    assert [partition_of("chat", "1"), partition_of("account", "ä"), partition_of("account", "")] == [174, 162, 172]


def test_entities_spread_evenly() -> None:
    spread = Counter(partition_of("chat", str(number)) for number in range(PARTITIONS * 100))
    assert len(spread) == PARTITIONS
    assert max(spread.values()) < 150
