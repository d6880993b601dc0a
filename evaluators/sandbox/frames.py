"""The frames on the two pipes between the worker and a child: a fixed header, then raw bytes."""

from __future__ import annotations

import os
import struct
from enum import IntEnum
from typing import NamedTuple

MAGIC = 0x4B45  # "EK", little-endian
VERSION = 1
HEADER = struct.Struct("<HBBIQI")  # magic, version, kind, sequence, nonce, payload length
MAX_PAYLOAD = (1 << 32) - 1
ERROR_TEXT_BYTES = 4096
MAX_ERROR_PAYLOAD = 1 + ERROR_TEXT_BYTES
_READ_BYTES = 1 << 16  # a pipe's usual capacity


class FrameKind(IntEnum):
    """What a frame carries; the worker sends the first group, the child the second."""

    LOAD = 1  # the program's source
    CONSTRUCT = 2
    METHOD = 3
    FUNCTION = 4

    HELLO = 16  # the child's sandbox is complete; sent once, before it reads anything
    REPLY = 17
    ERROR = 18  # a failure class and a text, both advisory


class FailureClass(IntEnum):
    """What the child says went wrong; it only chooses among failures, never claims a success."""

    RAISED = 1
    MEMORY = 2
    CONTRACT = 3  # wrong shape or dtype, missing entry point, syntax error
    SETUP = 4  # the sandbox itself could not be built; honoured before HELLO only


class FrameError(Exception):
    """Bytes on the pipe are no frame, or not the frame expected now."""


class PipeClosedError(Exception):
    """The other side closed its end, alive or dead."""


class Header(NamedTuple):
    """A decoded frame header."""

    kind: FrameKind
    sequence: int
    nonce: int
    length: int


def pack_frame(kind: FrameKind, sequence: int, nonce: int, payload: bytes = b"") -> bytes:
    """One frame, ready to write."""
    if len(payload) > MAX_PAYLOAD:
        raise FrameError(f"expected a payload of at most {MAX_PAYLOAD} bytes, found {len(payload)}")
    return HEADER.pack(MAGIC, VERSION, kind, sequence, nonce, len(payload)) + payload


def unpack_header(data: bytes) -> Header:
    """The header at the start of `data`.

    Raises:
        FrameError: Fewer bytes than a header, another magic number or version, or an unknown kind.
    """
    if len(data) < HEADER.size:
        raise FrameError(f"expected a header of {HEADER.size} bytes, found {len(data)}")
    magic, version, kind, sequence, nonce, length = HEADER.unpack_from(data)
    if (magic, version) != (MAGIC, VERSION):
        raise FrameError(f"expected frame magic {MAGIC:#x} version {VERSION}, found {magic:#x} version {version}")
    try:
        return Header(FrameKind(kind), sequence, nonce, length)
    except ValueError as error:
        raise FrameError(f"expected a known frame kind, found {kind}") from error


def pack_error(failure: FailureClass, text: str) -> bytes:
    """The payload of an ERROR frame; the text is cut to fit."""
    return bytes([failure]) + text.encode("utf-8", "replace")[:ERROR_TEXT_BYTES]


def unpack_error(payload: bytes) -> tuple[FailureClass, str]:
    """The class and text of an ERROR frame.

    Raises:
        FrameError: Empty, too long, or an unknown class.
    """
    if not 1 <= len(payload) <= MAX_ERROR_PAYLOAD:
        raise FrameError(f"expected an error payload of 1 to {MAX_ERROR_PAYLOAD} bytes, found {len(payload)}")
    try:
        return FailureClass(payload[0]), payload[1:].decode("utf-8", "replace")
    except ValueError as error:
        raise FrameError(f"expected a known failure class, found {payload[0]}") from error


def read_some(fd: int, num_bytes: int) -> bytes:
    """Between one and `num_bytes` bytes.

    Raises:
        PipeClosedError: The other side closed its end.
    """
    data = os.read(fd, num_bytes)
    if not data:
        raise PipeClosedError("the other side closed the pipe")
    return data


def read_up_to(fd: int, data: bytes, num_bytes: int) -> bytes:
    """`data` and what follows it on the pipe, until there are at least `num_bytes`; never reads beyond them."""
    if len(data) >= num_bytes:
        return data
    chunks, missing = [data], num_bytes - len(data)
    while missing:
        chunks.append(read_some(fd, min(missing, 1 << 20)))
        missing -= len(chunks[-1])
    return b"".join(chunks)


def read_frame(fd: int) -> tuple[Header, bytes]:
    """The next frame from a trusted writer that waits for an answer after each frame.

    Raises:
        PipeClosedError: The other side closed its end.
        FrameError: The bytes are no frame.
    """
    data = read_up_to(fd, os.read(fd, _READ_BYTES), HEADER.size)
    header = unpack_header(data)
    data = read_up_to(fd, data, HEADER.size + header.length)
    return header, data[HEADER.size :]


def write_all(fd: int, data: bytes) -> None:
    """Write `data` whole.

    Raises:
        PipeClosedError: The other side closed its end.
    """
    try:
        written = os.write(fd, data)
        view = memoryview(data)
        while written < len(data):
            written += os.write(fd, view[written:])
    except BrokenPipeError as error:
        raise PipeClosedError("the other side closed the pipe") from error
