"""Clusters that have to bear something."""

from collections.abc import Iterator

import pytest

from tests.cluster.running import RunningCluster
from tests.faults.cluster.world import World, cluster_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A cluster of a file's own, with people in it."""
    with cluster_world() as world:
        yield world


@pytest.fixture
def cluster(world: World) -> RunningCluster:
    """The cluster of the world."""
    assert isinstance(world.house, RunningCluster)
    return world.house
