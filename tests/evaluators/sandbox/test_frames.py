from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.sandbox.frames import (
    HEADER,
    MAX_ERROR_PAYLOAD,
    FailureClass,
    FrameError,
    FrameKind,
    Header,
    PipeClosedError,
    pack_error,
    pack_frame,
    read_frame,
    read_up_to,
    unpack_error,
    unpack_header,
    write_all,
)

KINDS = st.sampled_from(FrameKind)
SEQUENCES = st.integers(0, 2**32 - 1)
NONCES = st.integers(0, 2**64 - 1)


@given(kind=KINDS, sequence=SEQUENCES, nonce=NONCES, payload=st.binary(max_size=200))
def test_frame_reads_back_equal(kind: FrameKind, sequence: int, nonce: int, payload: bytes) -> None:
    frame = pack_frame(kind, sequence, nonce, payload)

    assert unpack_header(frame) == Header(kind, sequence, nonce, len(payload))
    assert frame[HEADER.size :] == payload


@given(kind=KINDS, sequence=SEQUENCES, nonce=NONCES, length=st.integers(0, HEADER.size - 1))
def test_truncated_header_is_refused(kind: FrameKind, sequence: int, nonce: int, length: int) -> None:
    with pytest.raises(FrameError):
        unpack_header(pack_frame(kind, sequence, nonce)[:length])


@given(data=st.binary(max_size=3 * HEADER.size))
def test_arbitrary_bytes_are_refused_or_a_header(data: bytes) -> None:
    try:
        header = unpack_header(data)
    except FrameError:
        return
    assert pack_frame(*header[:3])[: HEADER.size - 4] == data[: HEADER.size - 4]


@given(position=st.integers(0, 3), value=st.integers(0, 255))
def test_garbled_magic_version_or_kind_is_refused(position: int, value: int) -> None:
    frame = bytearray(pack_frame(FrameKind.REPLY, 1, 2))
    known = {int(kind) for kind in FrameKind} if position == 3 else {frame[position]}
    frame[position] = value
    if value in known:
        unpack_header(bytes(frame))
    else:
        with pytest.raises(FrameError):
            unpack_header(bytes(frame))


@given(failure=st.sampled_from(FailureClass), text=st.text(max_size=300))
def test_error_reads_back_equal(failure: FailureClass, text: str) -> None:
    assert unpack_error(pack_error(failure, text)) == (failure, text)


@given(character=st.characters())
def test_long_error_is_cut_to_fit(character: str) -> None:
    assert len(pack_error(FailureClass.RAISED, character * 5000)) <= MAX_ERROR_PAYLOAD


@given(payload=st.binary(max_size=100))
def test_arbitrary_error_payload_is_refused_or_read(payload: bytes) -> None:
    known = {int(failure) for failure in FailureClass}
    if payload and payload[0] in known:
        assert unpack_error(payload)[0] == payload[0]
    else:
        with pytest.raises(FrameError):
            unpack_error(payload)


def test_frames_cross_a_pipe_whole_and_reading_stops_at_the_end() -> None:
    reading, writing = os.pipe()
    write_all(writing, pack_frame(FrameKind.METHOD, 7, 9, b"payload"))
    assert read_frame(reading) == (Header(FrameKind.METHOD, 7, 9, 7), b"payload")
    write_all(writing, b"half")
    os.close(writing)
    with pytest.raises(PipeClosedError):
        read_up_to(reading, b"", HEADER.size)
    os.close(reading)


def test_writing_to_a_closed_pipe_says_so() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(PipeClosedError):
        write_all(writing, b"x")
    os.close(writing)
