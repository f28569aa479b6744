"""OP codes: where letters go. Schools, areas, points, and who holds them."""

from actors.op_code.application import PointOwner
from actors.op_code.applications import PointApplications
from actors.op_code.op_codes import OpCodes
from actors.op_code.place import PlaceOwner

__all__ = ["OpCodes", "PlaceOwner", "PointApplications", "PointOwner"]
