"""What goes into a column: packed, capped, finite, and free of what a database cannot hold."""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from collections.abc import Sequence

from archive.errors import ArchiveError
from evaluators.contract import ContractError
from evaluators.jsonable import dumps

_NOTE_ROOM = 50  # for the note on what was left out
_COMPRESSION = 6


def pack_text(text: str) -> bytes:
    """`text` compressed; any string, lone surrogates included, comes back equal from `unpack_text`."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"), _COMPRESSION)


def unpack_text(packed: bytes) -> str:
    """The text that `pack_text` packed."""
    return zlib.decompress(packed).decode("utf-8", "surrogatepass")


def pack_doubles(values: Sequence[float]) -> bytes | None:
    """`values` as compressed little-endian doubles; None for none."""
    return zlib.compress(struct.pack(f"<{len(values)}d", *values), _COMPRESSION) if values else None


def unpack_doubles(packed: bytes | None) -> tuple[float, ...]:
    """The numbers that `pack_doubles` packed."""
    if packed is None:
        return ()
    raw = zlib.decompress(packed)
    return struct.unpack(f"<{len(raw) // 8}d", raw)


def capped(text: str, limit: int) -> str:
    """`text` as a database can hold it: no NUL, no lone surrogate, and the middle left out beyond `limit`."""
    if text.isascii() and "\0" not in text:
        clean = text
    else:
        clean = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if len(clean) <= limit:
        return clean
    kept = max(limit - _NOTE_ROOM, 0)
    note = f"\n[... {len(clean) - kept} characters left out ...]\n"
    return clean[: kept - kept // 2] + note + clean[len(clean) - kept // 2 :]


def json_text(value: object, what: str) -> str:
    """`value` as JSON.

    Raises:
        ArchiveError: It has no JSON form, or holds NaN or an infinity.
    """
    try:
        return dumps(value)
    except ContractError as error:
        raise ArchiveError(f"{what} cannot be archived: {error}") from error


def finite(value: float, what: str) -> float:
    """`value`, which must be finite.

    Raises:
        ArchiveError: It is NaN or infinite.
    """
    if not math.isfinite(value):
        raise ArchiveError(f"{what} cannot be archived: expected a finite number, found {value}")
    return float(value)


def digest_of(text: str) -> str:
    """Thirty-two hex digits that stand for `text` in an index."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
