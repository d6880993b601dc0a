"""What the sandbox raises at trusted code; a program's own failures are `evaluators.candidate.CandidateFailure`."""

from __future__ import annotations

from evaluators.contract import EvaluatorError


class SandboxError(EvaluatorError):
    """The sandbox cannot be started here, or was used out of order."""
