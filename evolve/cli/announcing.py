"""What `evolve ask` and `evolve tell` say on stderr while they wait or score."""

from __future__ import annotations

import sys

from evaluators.contract import Environment, Evaluation, Split
from evaluators.protocol import EvaluateRequest
from evolve.execution.backend import EvaluationBackend
from evolve.run.lease import Patience

WAIT_S = 600.0


def patience(run_id: str) -> Patience:
    """That of a command which says once that it waits."""

    def announce(owner: str) -> None:
        sys.stderr.write(f"another command works on run {run_id} ({owner}); waiting for it, {WAIT_S:.0f} s at most\n")

    return Patience(seconds=WAIT_S, announce=announce)


class Announced:
    """A backend that says what each of its evaluations is, as it begins."""

    def __init__(self, backend: EvaluationBackend, attempt: int) -> None:
        """`attempt` is the one whose answer is scored."""
        self._backend = backend
        self._attempt = attempt

    @property
    def slots(self) -> int:
        """Those of the backend."""
        return self._backend.slots

    @property
    def environment(self) -> Environment:
        """That of the backend."""
        return self._backend.environment

    @property
    def environment_class(self) -> str:
        """That of the backend."""
        return self._backend.environment_class

    async def evaluate(self, request: EvaluateRequest) -> Evaluation:
        """The backend's evaluation, announced.

        Raises:
            BackendError: The backend's own.
        """
        if request.split is Split.SEARCH:
            sys.stderr.write(f"attempt {self._attempt}: scoring, tier {request.tier}\n")
        else:
            sys.stderr.write("validating one of the best programs, for the choice of the champion\n")
        return await self._backend.evaluate(request)

    async def close(self) -> None:
        """End the backend."""
        await self._backend.close()
