"""What the driver needs of a place that executes evaluations."""

from __future__ import annotations

from typing import Protocol

from evaluators.contract import Environment, Evaluation
from evaluators.protocol import EvaluateRequest


class EvaluationBackend(Protocol):
    """Executes evaluations, `slots` at a time; further requests wait their turn."""

    @property
    def slots(self) -> int:
        """How many evaluations run at once."""

    @property
    def environment(self) -> Environment:
        """Where they run."""

    @property
    def environment_class(self) -> str:
        """The label within which their scores compare."""

    async def evaluate(self, request: EvaluateRequest) -> Evaluation:
        """The evaluation asked for; infrastructure failures have been retried.

        Raises:
            BackendError: The backend itself is broken, or a worker refused the request.
        """

    async def close(self) -> None:
        """End every process, evaluations in flight included."""
