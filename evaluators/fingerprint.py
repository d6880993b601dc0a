"""What a program did on an instance, as a digest: every array it returned, and the planner time it was charged.

Two programs with equal digests on an instance made the same decisions there, to the last bit, and so have equal scores.
The worker takes the digest around the sandbox; the program has no part in it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

import numpy as np

from evaluators.candidate import Argument, MeteredCandidate, Reply, ReplyField

DIGEST_BYTES = 8  # two behaviours of a run of 10^6 programs collide with probability 3e-8


class Witness:
    """Digests the calls to one program, instance by instance."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=DIGEST_BYTES)

    def see(self, call: str, reply: Reply | None = None) -> None:
        """One call, with what came back."""
        self._digest.update(call.encode())
        if reply is None:
            return
        for name in sorted(reply.arrays):
            array = reply.arrays[name]
            self._digest.update(f"|{name}:{array.dtype.str}{array.shape}".encode())
            self._digest.update(np.ascontiguousarray(array).tobytes())

    def finish(self, delays_s: Sequence[float]) -> str:
        """The sixteen hex digits of the instance that ends here; the next one begins."""
        self._digest.update(struct.pack(f"<{len(delays_s)}d", *delays_s))
        found = self._digest.hexdigest()
        self._digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        return found


class Witnessed:
    """A candidate, as `evaluators.candidate.Candidate`, whose replies a witness sees on their way to the scorer."""

    def __init__(self, candidate: MeteredCandidate, witness: Witness) -> None:
        self._candidate = candidate
        self._witness = witness

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the child so far."""
        return self._candidate.cpu_s

    def construct(self, entry_point: str, *arguments: Argument) -> float:
        """See `Candidate.construct`."""
        self._witness.see(f"construct {entry_point}")
        return self._candidate.construct(entry_point, *arguments)

    def method(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """See `Candidate.method`."""
        found = self._candidate.method(name, arguments, reply)
        self._witness.see(name, found)
        return found

    def function(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """See `Candidate.function`."""
        found = self._candidate.function(name, arguments, reply)
        self._witness.see(name, found)
        return found
