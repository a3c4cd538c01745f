"""Small logos, drawn here: a PNG needs no more than zlib."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

SIZE = 96
_SAMPLES = 3
Shape = Callable[[float, float], bool]


def ring(x: float, y: float) -> bool:
    """A ring around a dot."""
    distance = (x * x + y * y) ** 0.5
    return 0.42 < distance < 0.62 or distance < 0.2


def leaf(x: float, y: float) -> bool:
    """Two arcs that meet in points."""
    return (x + 0.45) ** 2 + (y + 0.45) ** 2 < 0.85 and (x - 0.45) ** 2 + (y - 0.45) ** 2 < 0.85


def peaks(x: float, y: float) -> bool:
    """Two mountains."""
    left, right = y > abs(x + 0.25) * 1.5 - 0.35, y > abs(x - 0.3) * 1.3 - 0.05
    return (left or right) and y < 0.45 and abs(x) < 0.7


def bars(x: float, y: float) -> bool:
    """Three columns."""
    return abs(y) < 0.55 and any(abs(x - middle) < 0.11 for middle in (-0.4, 0.0, 0.4))


def coin(x: float, y: float) -> bool:
    """A disc with a slot."""
    return x * x + y * y < 0.36 and not (abs(x) < 0.09 and abs(y) < 0.36)


def draw(color: str, shape: Shape) -> bytes:
    """A square PNG of `color` (`#rrggbb`) with the shape in white. Coordinates run from -1 to 1, y downwards."""
    ground = tuple(int(color[start : start + 2], 16) for start in (1, 3, 5))
    lines = bytearray()
    for row in range(SIZE):
        lines.append(0)
        for column in range(SIZE):
            share = _covered(shape, column, row)
            lines.extend(round(part + (255 - part) * share) for part in ground)
    return _png(bytes(lines))


def _covered(shape: Shape, column: int, row: int) -> float:
    """How much of a pixel the shape covers, by a few samples: smooth edges."""
    hits = 0
    for i in range(_SAMPLES):
        for j in range(_SAMPLES):
            x = (column + (i + 0.5) / _SAMPLES) / SIZE * 2 - 1
            y = (row + (j + 0.5) / _SAMPLES) / SIZE * 2 - 1
            hits += shape(x, y)
    return hits / _SAMPLES**2


def _png(lines: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
