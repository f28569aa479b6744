"""QR codes and pages to print, as SVG and PNG. Rules that are no actor: text in, bytes out.

Everything that people have written is escaped: a picture holds no markup of theirs.
"""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import NamedTuple
from xml.sax.saxutils import escape

import msgspec
import segno

from actors.messages.picture import Picture

SVG, PNG = "image/svg+xml", "image/png"
QUIET = 4
"""Modules of white around a code, without which readers do not find it (ISO/IEC 18004)."""
LABELS_PER_SHEET = 24
_COLUMNS, _ROWS = 3, 8
_PAGE = (210.0, 297.0)  # A4, in millimetres


class Address(NamedTuple):
    """What stands on an envelope."""

    code: str
    to_op_code: str
    lines: Sequence[str] = ()


def letter_text(code: str, read_url: str, to_op_code: str) -> str:
    """What a letter's QR code says."""
    said = {
        "type": "posthouse_letter", "version": "1", "code": code, "read_url": read_url, "to_op_code": to_op_code,
    }  # fmt: skip
    return msgspec.json.encode(said).decode()


def qr_svg(text: str) -> Picture:
    """A QR code that fills its picture."""
    path, size = _modules(text)
    side = size + 2 * QUIET
    return _svg(side * 3, side * 3, side, side, [f'<path transform="translate({QUIET} {QUIET})" d="{path}"/>'])


def qr_png(text: str) -> Picture:
    """A QR code, 8 pixels a module."""
    out = BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=8, border=QUIET)
    return Picture(out.getvalue(), PNG)


def letter_sheet(address: Address, text: str) -> Picture:
    """A page to fold around a letter: the address in the upper third, the code beside it, folds at the thirds."""
    width, height = _PAGE
    parts = [_code(text, width - 75, 20, 55)]
    parts += _text(25, 45, [address.to_op_code], 9, bold=True)
    parts += _text(25, 57, address.lines, 5)
    parts += _text(width - 75, 82, [address.code], 5.5, bold=True)
    parts += [
        f'<path d="M10 {fold:g}H{width - 10:g}" stroke="#999" stroke-width=".2" stroke-dasharray="2 2" fill="none"/>'
        for fold in (height / 3, 2 * height / 3)
    ]
    return _svg(width, height, width, height, parts, unit="mm")


def label_sheet(codes: Sequence[str]) -> Picture:
    """A page of up to 24 labels, each with its code as text and QR."""
    width, height = _PAGE
    cell_width, cell_height = width / _COLUMNS, height / _ROWS
    parts: list[str] = []
    for number, code in enumerate(codes[:LABELS_PER_SHEET]):
        left, top = number % _COLUMNS * cell_width, number // _COLUMNS * cell_height
        parts.append(_code(code, left + 4, top + 4, cell_height - 8))
        parts += _text(left + cell_height, top + cell_height / 2 + 2, [code], 5, bold=True)
        parts.append(
            f'<rect x="{left:g}" y="{top:g}" width="{cell_width:g}" height="{cell_height:g}" fill="none"'
            ' stroke="#ccc" stroke-width=".1"/>'
        )
    return _svg(width, height, width, height, parts, unit="mm")


def _modules(text: str) -> tuple[str, int]:
    """The dark modules of a QR code as an SVG path of runs, and how many there are in a row."""
    matrix = segno.make(text, error="m", micro=False).matrix
    runs: list[str] = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                runs.append(f"M{x} {y}h{end - x}v1h-{end - x}z")
            x = end + 1
    return "".join(runs), len(matrix)


def _code(text: str, left: float, top: float, side: float) -> str:
    """A QR code of ``side`` millimetres, its quiet zone included."""
    path, size = _modules(text)
    scale = side / (size + 2 * QUIET)
    return f'<path transform="translate({left:g} {top:g}) scale({scale:.5f}) translate({QUIET} {QUIET})" d="{path}"/>'


def _text(left: float, top: float, lines: Iterable[str], size: float, *, bold: bool = False) -> list[str]:
    weight = ' font-weight="bold"' if bold else ""
    return [
        f'<text x="{left:g}" y="{top + number * size * 1.4:g}" font-family="monospace" font-size="{size:g}"{weight}>'
        f"{escape(line)}</text>"
        for number, line in enumerate(lines)
    ]


def _svg(width: float, height: float, wide: float, high: float, parts: Iterable[str], unit: str = "") -> Picture:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}{unit}" height="{height:g}{unit}"'
        f' viewBox="0 0 {wide:g} {high:g}">'
    )
    body = "".join(['<rect width="100%" height="100%" fill="#fff"/>', *parts])
    return Picture(f"{head}{body}</svg>\n".encode(), SVG)
