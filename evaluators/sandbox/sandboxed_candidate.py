"""A program in its child, as the scorer calls it: one request, one answer, every deviation an outcome."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from evaluators.candidate import Argument, CandidateFailure, Reply, ReplyField
from evaluators.contract import Limits, Outcome
from evaluators.sandbox.child_handle import ChildHandle
from evaluators.sandbox.errors import SandboxError
from evaluators.sandbox.frames import (
    HEADER,
    MAX_ERROR_PAYLOAD,
    FailureClass,
    FrameError,
    FrameKind,
    Header,
    PipeClosedError,
    pack_frame,
    read_some,
    read_up_to,
    unpack_error,
    unpack_header,
    write_all,
)
from evaluators.sandbox.plain_text import one_line
from evaluators.sandbox.values import ReplyError, decode_reply, encode_call, num_reply_bytes
from evaluators.sandbox.zygote_process import ZygoteError

STDERR_TAIL_CHARS = 2048
MAX_DETAIL_CHARS = 400
_READ_BYTES = 1 << 16
_OUTCOMES = {
    FailureClass.RAISED: Outcome.CRASHED,
    FailureClass.MEMORY: Outcome.OUT_OF_MEMORY,
    FailureClass.CONTRACT: Outcome.INVALID,
    FailureClass.SETUP: Outcome.CRASHED,  # claimed by a program: the sandbox was complete before it ran
}


class SandboxedCandidate:
    """Implements `evaluators.candidate.Candidate`.

    An exception of the program, or a reply that does not fit, ends the call only. Any other failure ends the child,
    and later calls fail the same way.
    """

    def __init__(self, child: ChildHandle, limits: Limits) -> None:
        self._child = child
        self._limits = limits
        self._wall_left_s = limits.wall_s
        self._cpu_read_s = 0.0
        self._sequence = 0
        self._constructed = False
        self._failure: CandidateFailure | None = None

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the child so far, all its threads, read from outside it."""
        return self._child.cpu_s()

    def stderr_tail(self) -> str:
        """The end of what the program printed, harmless to show; for the search split only."""
        return self._child.tail(STDERR_TAIL_CHARS)

    def load(self, source: bytes) -> None:
        """Have the child import the program; called once, first.

        Raises:
            CandidateFailure: It cannot.
        """
        self._exchange(FrameKind.LOAD, source, (0, 0))
        self._cpu_read_s = self._child.cpu_s()  # the import counts against the limit, but is part of no call

    def construct(self, entry_point: str, *arguments: Argument) -> float:
        """Instantiate the class `entry_point`; later calls to `method` go to that object. Returns CPU seconds."""
        cpu_s = self._call(FrameKind.CONSTRUCT, entry_point, arguments, ()).cpu_s
        self._constructed = True
        return cpu_s

    def method(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """Call a method of the constructed object."""
        if not self._constructed:
            raise SandboxError(f"expected `construct` before the method {name!r}")
        return self._call(FrameKind.METHOD, name, arguments, tuple(reply))

    def function(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """Call a module-level function."""
        return self._call(FrameKind.FUNCTION, name, arguments, tuple(reply))

    def end(self) -> None:
        """Kill and reap the child; harmless when that happened already."""
        try:
            self._child.end()
        except ZygoteError as error:
            self._failure = CandidateFailure(Outcome.INFRASTRUCTURE, str(error))

    def refuse_leftovers(self) -> None:
        """After the end of a child that never failed: nothing may be left unread.

        Raises:
            CandidateFailure: The program wrote more than the answers it was asked for.
        """
        if self._child.leftovers and self._failure is None:
            raise CandidateFailure(Outcome.TAMPERED, "wrote to the reply pipe out of turn")

    def _call(self, kind: FrameKind, name: str, arguments: Sequence[Argument], fields: tuple[ReplyField, ...]) -> Reply:
        payload = self._exchange(kind, encode_call(name, arguments, fields), num_reply_bytes(fields))
        cpu_before_s, self._cpu_read_s = self._cpu_read_s, self._child.cpu_s()
        if self._cpu_read_s > self._limits.cpu_s:
            raise self._ended(Outcome.TIMED_OUT, f"used more than {self._limits.cpu_s:.3g} s of CPU time")
        try:
            arrays = decode_reply(payload, fields)
        except ReplyError as error:
            raise CandidateFailure(Outcome.INVALID, f"{name}: {error}") from error
        return Reply(arrays=arrays, cpu_s=self._cpu_read_s - cpu_before_s)

    def _exchange(self, kind: FrameKind, payload: bytes, reply_bytes: tuple[int, int]) -> bytes:
        """Send one request and return its answer's payload."""
        if self._failure is not None:
            raise CandidateFailure(self._failure.outcome, self._failure.detail)
        started = time.monotonic()
        if self._wall_left_s <= 0:
            raise self._ended(Outcome.TIMED_OUT, f"used its {self._limits.wall_s:.3g} s of wall time")
        self._child.guard.arm(min(self._limits.call_wall_s, self._wall_left_s))
        try:
            return self._answer_to(kind, payload, reply_bytes)
        except PipeClosedError:
            self._failure = self._child.post_mortem()
            raise self._failure from None
        except FrameError as error:
            raise self._ended(Outcome.TAMPERED, f"wrote to the reply pipe out of turn: {error}") from error
        finally:
            self._child.guard.disarm()
            self._wall_left_s -= time.monotonic() - started

    def _answer_to(self, kind: FrameKind, payload: bytes, reply_bytes: tuple[int, int]) -> bytes:
        nonce = int.from_bytes(os.urandom(8), "little")
        self._sequence += 1
        write_all(self._child.requests, pack_frame(kind, self._sequence, nonce, payload))
        if kind is FrameKind.LOAD:
            self._receive_greeting()
        header, answer = self._receive(nonce, reply_bytes)
        if header.kind is FrameKind.REPLY:
            return answer
        failure, text = unpack_error(answer)
        raise CandidateFailure(_OUTCOMES[failure], one_line(text, MAX_DETAIL_CHARS))

    def _receive_greeting(self) -> None:
        """The child says whether its sandbox is complete before it reads the program."""
        data = read_up_to(self._child.replies, b"", HEADER.size)
        header = unpack_header(data)
        if header.kind is FrameKind.ERROR and header.length <= MAX_ERROR_PAYLOAD:
            _, text = unpack_error(read_up_to(self._child.replies, b"", header.length))
            raise self._ended(Outcome.INFRASTRUCTURE, one_line(text, MAX_DETAIL_CHARS))
        if header != Header(FrameKind.HELLO, 0, 0, 0):
            raise FrameError("expected the greeting first")

    def _receive(self, nonce: int, reply_bytes: tuple[int, int]) -> tuple[Header, bytes]:
        fewest, most = reply_bytes
        replies = self._child.replies
        data = read_up_to(replies, read_some(replies, _READ_BYTES), HEADER.size)
        header = unpack_header(data)
        if (header.sequence, header.nonce) != (self._sequence, nonce):
            raise FrameError("it is not the answer to the request")
        if header.kind is FrameKind.REPLY and not fewest <= header.length <= most:
            detail = f"the reply must be {fewest} to {most} bytes, found {header.length}"
            raise self._ended(Outcome.INVALID, detail)
        if header.kind is FrameKind.ERROR and not 1 <= header.length <= MAX_ERROR_PAYLOAD:
            raise FrameError("an error's text is too long")
        if header.kind not in (FrameKind.REPLY, FrameKind.ERROR):
            raise FrameError(f"a child may not send {header.kind.name}")
        num_bytes = HEADER.size + header.length
        data = read_up_to(replies, data, num_bytes)
        if len(data) > num_bytes:
            raise FrameError("bytes follow the answer")
        return header, data[HEADER.size :]

    def _ended(self, outcome: Outcome, detail: str) -> CandidateFailure:
        """The failure after which the child is of no more use."""
        self._failure = CandidateFailure(outcome, detail)
        self.end()
        return self._failure
