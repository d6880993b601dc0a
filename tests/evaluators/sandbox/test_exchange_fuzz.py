"""Whatever bytes a child writes, a call ends with the declared reply or a `CandidateFailure`, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import cast
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evaluators.candidate import CandidateFailure, Reply, ReplyField
from evaluators.contract import Limits, Outcome
from evaluators.sandbox.child_handle import ChildHandle
from evaluators.sandbox.frames import FailureClass, FrameKind, pack_error, pack_frame
from evaluators.sandbox.sandboxed_candidate import SandboxedCandidate

LIMITS = Limits(wall_s=1e6, cpu_s=1e6, call_wall_s=1e6)
FIELDS = (
    ReplyField(name="x", dtype="float64", shape=(2,)),
    ReplyField(name="flag", dtype="bool", shape=(), optional=True),
)
NONCE = 7
HELLO = pack_frame(FrameKind.HELLO, 0, 0)
LOADED = pack_frame(FrameKind.REPLY, 1, NONCE)
GOOD = b"\x01" + np.array([1.0, 2.0]).tobytes() + b"\x01"


class _Guard:
    def arm(self, budget_s: float) -> None: ...

    def disarm(self) -> None: ...


class ScriptedChild:
    """A child that wrote everything it will ever write, then died."""

    def __init__(self, written: bytes) -> None:
        self.replies, writer = os.pipe()
        _sink, self.requests = os.pipe()
        self._ends = [self.replies, _sink, self.requests]
        os.write(writer, written)
        os.close(writer)
        self.guard = _Guard()
        self.leftovers = False
        self.ended = 0

    def cpu_s(self) -> float:
        return 0.0

    def end(self) -> None:
        self.ended += 1

    def post_mortem(self) -> CandidateFailure:
        return CandidateFailure(Outcome.CRASHED, "scripted")

    def close(self) -> None:
        for fd in self._ends:
            os.close(fd)


def exchange(written: bytes, *, load: bool = True) -> Reply | CandidateFailure:
    """What the worker makes of a child that wrote this; without `load`, of one that was loaded before."""
    child = ScriptedChild(written)
    try:
        with mock.patch(
            "evaluators.sandbox.sandboxed_candidate.os.urandom", lambda size: NONCE.to_bytes(size, "little")
        ):
            candidate = SandboxedCandidate(cast(ChildHandle, child), LIMITS)
            if load:
                candidate.load(b"x = 1")
            else:
                candidate._sequence = 1
            return candidate.function("f", [np.arange(3.0)], FIELDS)
    except CandidateFailure as failure:
        return failure
    finally:
        child.close()


def mutated(data: bytes, edits: Sequence[tuple[int, int]], cut: int, tail: bytes) -> bytes:
    changed = bytearray(data)
    for position, value in edits:
        changed[position % len(changed)] = value
    return bytes(changed[: len(changed) - cut % len(changed)]) + tail


EDITS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4)
ANSWERS = st.sampled_from(
    [
        pack_frame(FrameKind.REPLY, 2, NONCE, GOOD),
        pack_frame(FrameKind.ERROR, 2, NONCE, pack_error(FailureClass.RAISED, "text \u202e")),
        pack_frame(FrameKind.REPLY, 2, NONCE, b"\x00" + bytes(16)),
    ]
)


def test_two_answers_at_once_are_tampering() -> None:
    found = exchange(HELLO + LOADED + pack_frame(FrameKind.REPLY, 2, NONCE, GOOD))
    assert isinstance(found, CandidateFailure)  # the load's answer and the next lie together: out of turn
    assert found.outcome is Outcome.TAMPERED


@given(answer=ANSWERS, edits=EDITS, cut=st.sampled_from([0, 0, 0, 1, 9, 30]), tail=st.binary(max_size=40))
@example(answer=b"\x45\x4b\x01\x12" + bytes(16), edits=[], cut=0, tail=b"")  # an error without a class
def test_any_bytes_end_in_a_reply_or_a_failure(
    answer: bytes, edits: list[tuple[int, int]], cut: int, tail: bytes
) -> None:
    found = exchange(mutated(answer, edits, cut, tail), load=False)
    if isinstance(found, Reply):
        assert found.arrays["x"].shape == (2,)
        assert np.isfinite(found.arrays["x"].astype(float)).all()
        assert found.arrays.keys() <= {"x", "flag"}
    else:
        assert found.outcome is not Outcome.SCORED
        assert found.detail.isprintable()
        assert len(found.detail) <= 400 + len("wrote to the reply pipe out of turn: ")


def test_good_bytes_are_a_reply() -> None:
    found = exchange(pack_frame(FrameKind.REPLY, 2, NONCE, GOOD), load=False)
    assert isinstance(found, Reply)
    assert found.arrays["x"].tolist() == [1.0, 2.0]


@given(written=st.binary(max_size=300))
def test_any_greeting_ends_in_a_failure(written: bytes) -> None:
    assert isinstance(exchange(HELLO[: len(written) % 20] + written), CandidateFailure)


def test_child_cannot_blame_the_machine_after_its_greeting() -> None:
    setup = pack_frame(FrameKind.ERROR, 1, NONCE, pack_error(FailureClass.SETUP, "no layers"))
    found = exchange(HELLO + setup)
    assert isinstance(found, CandidateFailure)
    assert found.outcome is Outcome.CRASHED


@pytest.mark.parametrize("sequence", [0, 1, 3, 2**32 - 1])
def test_answer_to_another_request_is_tampering(sequence: int) -> None:
    found = exchange(pack_frame(FrameKind.REPLY, sequence, NONCE, GOOD), load=False)
    assert isinstance(found, CandidateFailure)
    assert found.outcome is Outcome.TAMPERED
