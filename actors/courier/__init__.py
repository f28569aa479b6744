"""Couriers: who carries letters, where, under whom, and how they become what they are."""

from actors.courier.applications import CourierApplications
from actors.courier.courier import CourierOwner
from actors.courier.couriers import Couriers
from actors.courier.settings import CourierSettings

__all__ = ["CourierApplications", "CourierOwner", "CourierSettings", "Couriers"]
