"""The seam between tasks and the sandbox: how trusted code calls a program that it must not trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError, Outcome

Array = npt.NDArray[np.generic]
# What may be handed to a program. Arrays arrive read-only; mappings arrive as dicts with string keys.
Argument: TypeAlias = "bool | int | float | str | Array | Mapping[str, Argument] | Sequence[Argument] | None"

REPLY_DTYPES = ("float64", "float32", "int64", "int32", "int16", "int8", "uint8", "bool")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyField:
    """One array the program must return; dtype and shape are the task's, never the program's."""

    name: str
    dtype: str  # one of `REPLY_DTYPES`
    shape: tuple[int, ...]
    optional: bool = False  # the program may leave the key out, or give None
    default: float | int | None = None  # stands for an optional field in the prompt's text only

    def __post_init__(self) -> None:
        """Refuse what no reply could have.

        Raises:
            ContractError: The dtype or the shape is none.
        """
        if self.dtype not in REPLY_DTYPES:
            raise ContractError(
                f"ReplyField {self.name}: expected a dtype of {', '.join(REPLY_DTYPES)}, found {self.dtype}"
            )
        if type(self.shape) is not tuple or any(length < 0 for length in self.shape):
            raise ContractError(
                f"ReplyField {self.name}: expected a tuple of lengths as shape, found {self.shape!r:.60}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one call returned: copies owned by the caller, of exactly the declared dtypes and shapes, floats finite."""

    arrays: Mapping[str, Array]  # an optional field that was left out has no key
    cpu_s: float  # CPU seconds of the child during the call, read from outside it


class CandidateFailure(Exception):  # noqa: N818 - an outcome, not a fault of ours
    """The program, not the harness, ended a call. `Candidate` methods raise it; the scorer makes it an outcome."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome = outcome
        self.detail = detail


class Candidate(Protocol):
    """A loaded program. One per scenario for stateful policies; it keeps its own memory between calls.

    Every method raises `CandidateFailure` when the program fails in any way.
    """

    def construct(self, entry_point: str, *arguments: Argument) -> float:
        """Instantiate the class `entry_point`; later calls to `method` go to that object. Returns CPU seconds."""

    def method(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """Call a method of the constructed object."""

    def function(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """Call a module-level function.

        The program returns a mapping from field name to array-like, or the bare array-like where one field is declared.
        """


class MeteredCandidate(Candidate, Protocol):
    """A candidate whose CPU time can be read from outside it."""

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the child so far."""
