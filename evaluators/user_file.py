"""A file that the user names, as text or JSON: UTF-8, or UTF-16 with its mark, gzipped or not, of a bounded size.

Editors and spreadsheets write marks and line ends of their own; none of them is part of what the file says.
"""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

from evaluators.contract import ContractError

MOST_BYTES = 256 << 20  # unpacked, unless a task says otherwise
_GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path, where: str, expected: str, most_bytes: int = MOST_BYTES) -> str:
    """The text of a file, line ends as they are.

    Args:
        path: The file.
        where: What a sentence about it begins with.
        expected: What the task reads, such as "CSV", for the sentence.
        most_bytes: Unpacked.

    Raises:
        ContractError: It cannot be read or unpacked, is larger, or is no text.
    """
    return decoded(read_bytes(path, where, expected, most_bytes), where, expected)


def read_json(path: Path, where: str, expected: str = "JSON", most_bytes: int = MOST_BYTES) -> object:
    """What the JSON of a file says; see `read_text` and `parsed_json`."""
    return parsed_json(read_text(path, where, expected, most_bytes), where, expected)


def read_bytes(path: Path, where: str, expected: str, most_bytes: int = MOST_BYTES) -> bytes:
    """The content of a file, unpacked if it is gzipped, whatever it is called.

    Raises:
        ContractError: It cannot be read, its gzip is broken or cut off, or it is larger.
    """
    try:
        with path.open("rb") as file:
            is_packed = file.read(len(_GZIP)) == _GZIP or path.suffix == ".gz"
            file.seek(0)
            content = (gzip.GzipFile(fileobj=file) if is_packed else file).read(most_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ContractError(f"{where}: expected {expected}, gzipped or not, found {error}") from error
    if len(content) > most_bytes:
        raise ContractError(f"{where}: expected at most {most_bytes >> 20} MiB of {expected}, found more")
    return content


def decoded(content: bytes, where: str, expected: str) -> str:
    """`content` as text, without the mark that may stand in front.

    Raises:
        ContractError: It is neither UTF-8 nor marked as UTF-16; says in which line.
    """
    if content.startswith(ZIP):
        raise ContractError(
            f"{where}: expected {expected}, found a zip archive, as .xlsx and .npz are; export {expected}"
        )
    try:
        return content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ContractError(
            f"{where}, line {line}: expected {expected} in UTF-8, found the byte {content[error.start]:#04x}; save the "
            "file as UTF-8"
        ) from error


def parsed_json(text: str, where: str, expected: str = "JSON") -> object:
    """What `text` says.

    Raises:
        ContractError: It is no JSON, or an object has a name twice, of which one value would be lost.
    """
    if not text.strip():
        raise ContractError(f"{where}: expected {expected}, found an empty file")
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{where}: expected {expected}, found {error}") from error


def told_columns(cells: Sequence[str]) -> str:
    """The names that a table's first line has, for a sentence: so many as can be read, and what separates them."""
    if not cells:
        return "an empty file"
    line = ",".join(cells)
    told = repr(line if len(line) <= 120 else f"{line[:120]}...")
    other = next((name for mark, name in ((";", "semicolons"), ("\t", "tabs")) if len(cells) == 1 and mark in line), "")
    return f"{told}, separated by {other} instead of commas" if other else told


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"the name {twice!r:.60} twice in one object")
    return found
