"""Reads PNG into pixels: as much of it as segno and resvg write."""

import struct
import zlib
from typing import Any

import numpy as np


def gray(png: bytes) -> Any:
    """Return an image as bytes of gray, one row after the other."""
    (width, height, depth, colour), data = (0, 0, 0, 0), b""
    position = 8
    while position < len(png):
        (length,), kind = struct.unpack(">I", png[position : position + 4]), png[position + 4 : position + 8]
        chunk = png[position + 8 : position + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", chunk[:10])
        elif kind == b"IDAT":
            data += chunk
        position += 12 + length
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    rows = _unfiltered(zlib.decompress(data), height, -(-width * depth * channels // 8), max(1, channels * depth // 8))
    if depth == 1:
        return np.unpackbits(rows, axis=1)[:, :width] * np.uint8(255)
    return np.ascontiguousarray(rows.reshape(height, width, channels)[:, :, 0])


def _unfiltered(raw: bytes, height: int, stride: int, step: int) -> Any:
    lines = np.frombuffer(raw, np.uint8).reshape(height, stride + 1)
    rows = np.zeros((height, stride), np.uint8)
    above = np.zeros(stride, np.uint8)
    for number in range(height):
        kind, line = lines[number, 0], lines[number, 1:]
        if kind == 0:
            above = line
        elif kind == 1:
            above = np.cumsum(line.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
        elif kind == 2:
            above = line + above
        else:
            above = _one_by_one(int(kind), line, above, step)
        rows[number] = above
    return rows


def _one_by_one(kind: int, line: Any, above: Any, step: int) -> Any:
    """Filters that look at both neighbours."""
    now, up = bytearray(line.tobytes()), above.tobytes()
    for i in range(len(now)):
        left, corner = (now[i - step], up[i - step]) if i >= step else (0, 0)
        if kind == 3:
            now[i] = (now[i] + (left + up[i]) // 2) & 255
        else:
            guess = left + up[i] - corner
            _, near = min((abs(guess - one), order) for order, one in enumerate((left, up[i], corner)))
            now[i] = (now[i] + (left, up[i], corner)[near]) & 255
    return np.frombuffer(bytes(now), np.uint8)
