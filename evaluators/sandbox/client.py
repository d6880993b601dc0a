"""The worker's side of the sandbox: start one, run a candidate in it, learn what it returned or how it failed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Self

from evaluators.candidate import CandidateFailure
from evaluators.contract import Limits, Outcome
from evaluators.sandbox.child_handle import ChildHandle
from evaluators.sandbox.errors import SandboxError
from evaluators.sandbox.launch import Launcher, chosen
from evaluators.sandbox.sandboxed_candidate import SandboxedCandidate
from evaluators.sandbox.selftest import missing_properties, refusal
from evaluators.sandbox.zygote_process import ZygoteError, ZygoteProcess

__all__ = ["MAX_SOURCE_BYTES", "Sandbox", "SandboxedCandidate"]

MAX_SOURCE_BYTES = 256 << 10


class Sandbox:
    """Runs candidates, one forked child each; owns one zygote and restarts it if it dies or misbehaves.

    Not thread-safe, and its zygote dies with the thread that calls `start`. One per worker.
    """

    def __init__(
        self, libraries: Sequence[str], disabled: Collection[str] = (), launcher: Launcher | None = None
    ) -> None:
        self._libraries = tuple(dict.fromkeys(("numpy", *libraries)))
        self._disabled = tuple(disabled)
        self._launcher = launcher or chosen()
        self._zygote: ZygoteProcess | None = self._new_zygote()
        self._layers = "+".join(self._zygote.layers)

    @classmethod
    def start(
        cls,
        libraries: Sequence[str],
        *,
        allow_unsafe: bool = False,
        disabled: Collection[str] = (),
        launcher: Launcher | None = None,
    ) -> Sandbox:
        """A sandbox with these libraries loaded beside numpy; tests leave out layers with `disabled`.

        The launcher is the one that the environment variable ``EVENKEEL_SANDBOX`` names, unless one is given.

        Raises:
            SandboxError: A library is not installed, or a required protection is missing and `allow_unsafe` is false.
        """
        sandbox = cls(libraries, disabled, launcher)
        try:
            missing = missing_properties(sandbox, sandbox.layers, sandbox.libraries)
            if missing and not allow_unsafe:
                raise SandboxError(refusal(missing))
        except BaseException:
            sandbox.close()
            raise
        if missing:
            sandbox._layers += "+unsafe"
        return sandbox

    @property
    def libraries(self) -> tuple[str, ...]:
        """What a program may import beside the standard library."""
        return self._libraries

    @property
    def layers(self) -> str:
        """The active layers, such as ``rlimit+seccomp+landlock7``; says ``unsafe`` when a protection is missing."""
        return self._layers

    def candidate(
        self, source: str, limits: Limits, *, second_try: bool = False
    ) -> AbstractContextManager[SandboxedCandidate]:
        """A loaded program; leaving the context kills it.

        A death by SIGKILL that we did not send is taken for the machine's fault, at a `second_try` for the program's.

        Raises:
            CandidateFailure: On entering: the program cannot be loaded. On leaving: it spoke out of turn.
        """
        return self._candidate(_source_bytes(source), limits, second_try)

    def close(self) -> None:
        """Kill the zygote and every child left."""
        if self._zygote is not None:
            self._zygote.kill()
            self._zygote = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _candidate(self, source: bytes, limits: Limits, second_try: bool) -> Iterator[SandboxedCandidate]:
        candidate = SandboxedCandidate(self._spawn(limits, second_try), limits)
        try:
            candidate.load(source)
            yield candidate
        except BaseException:
            candidate.end()
            raise
        candidate.end()
        candidate.refuse_leftovers()

    def _spawn(self, limits: Limits, second_try: bool) -> ChildHandle:
        """A child, from a new zygote if the old one fails."""
        try:
            return self._try_to_spawn(limits, second_try)
        except ZygoteError:
            self._zygote = None
        try:
            return self._try_to_spawn(limits, second_try)
        except ZygoteError as error:
            self._zygote = None
            raise CandidateFailure(Outcome.INFRASTRUCTURE, str(error)) from error

    def _try_to_spawn(self, limits: Limits, second_try: bool) -> ChildHandle:
        if self._zygote is None:
            self._zygote = self._new_zygote()
        return ChildHandle(self._zygote, self._zygote.spawn(limits), limits, second_try=second_try)

    def _new_zygote(self) -> ZygoteProcess:
        return ZygoteProcess(self._libraries, self._disabled, self._launcher)


def _source_bytes(source: str) -> bytes:
    """The source as UTF-8, checked by its bytes only.

    Raises:
        CandidateFailure: Too long, not encodable, or with a NUL.
    """
    try:
        encoded = source.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CandidateFailure(Outcome.INVALID, f"the source is not UTF-8: {error.reason}") from error
    if len(encoded) > MAX_SOURCE_BYTES:
        found = f"found {len(encoded)}"
        raise CandidateFailure(Outcome.INVALID, f"the source must be at most {MAX_SOURCE_BYTES} bytes, {found}")
    if b"\0" in encoded:
        raise CandidateFailure(Outcome.INVALID, f"the source must have no NUL, found one at byte {encoded.index(0)}")
    return encoded
