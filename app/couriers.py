"""Everything that knows couriers and OP codes, put together."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from actors.courier import CourierApplications, CourierOwner, Couriers, CourierSettings
from actors.op_code import OpCodes, PlaceOwner, PointApplications, PointOwner
from actors.runtime.actor import Actor, Ref
from storage.courier import CourierStore
from storage.op_code import OpCodeStore
from storage.postgres import Database


class CourierParts(NamedTuple):
    """What the house needs of it."""

    kinds: Sequence[Actor]
    store: CourierStore


def build_couriers(settings: CourierSettings, database: Database, ref: Callable[[str, str], Ref]) -> CourierParts:
    """Make the kinds of couriers, applications, places and points."""
    store, places = CourierStore(database), OpCodeStore(database)
    kinds = [
        CourierOwner(store),
        Couriers(store, places, settings, ref),
        CourierApplications(store, places, settings, ref),
        PlaceOwner(places),
        PointOwner(places),
        OpCodes(places, store, ref),
        PointApplications(places, store, ref),
    ]
    return CourierParts(kinds, store)
