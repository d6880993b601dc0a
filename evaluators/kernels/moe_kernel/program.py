"""The worker's side of `child_host.py`: has a program played in the interpreter, or compiled, and believes neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from evaluators.candidate import Argument, Array, Candidate, CandidateFailure, ReplyField
from evaluators.contract import Outcome
from evaluators.kernels.moe_kernel import stages
from evaluators.kernels.moe_kernel.assemble import Machine, assemble
from evaluators.kernels.moe_kernel.inputs import DTYPES
from evaluators.kernels.moe_kernel.plans import MOST_PLAN_BYTES, Plan, read_plan
from evaluators.kernels.moe_kernel.ptx import PtxError, check_plan
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.sandbox.plain_text import one_line

FAULT_BYTES = 400  # as in the host
_FAULT = ReplyField(name="fault", dtype="uint8", shape=(FAULT_BYTES,), optional=True)


class Program:
    """A candidate program for one stage."""

    def __init__(self, candidate: Candidate, stage: Stage) -> None:
        self._candidate = candidate
        self._stage = stage

    def play(self, shape: LayerShape, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The outputs on `given`, from Triton's interpreter.

        Raises:
            CandidateFailure: The program failed or broke the contract.
        """
        wanted = stages.outputs(self._stage, shape)
        fields = [ReplyField(name=b.name, dtype="uint8", shape=(_num_bytes(b),), optional=True) for b in wanted]
        listed: list[Argument] = [[buffer.name, list(buffer.size), buffer.dtype] for buffer in wanted]
        arrays = {name: value.numpy() for name, value in given.items()}
        found = self._ask("play", [told(self._stage, shape, interpreted=True), arrays, listed], fields)
        return {b.name: _tensor(found[b.name], b) for b in wanted}

    def compiled(self, shape: LayerShape) -> tuple[Plan, tuple[Machine, ...]]:
        """The plan for `shape`, its kernels as PTX and as machine code.

        Raises:
            CandidateFailure: The program failed, or what it gives is refused (`assembled`).
        """
        arguments: list[Argument] = [told(self._stage, shape, interpreted=False), stages.dtypes(self._stage, shape)]
        size = ReplyField(name="size", dtype="int64", shape=(), optional=True)
        num_bytes = int(self._ask("size_of_compiled", arguments, [size])["size"])
        if not 0 < num_bytes <= MOST_PLAN_BYTES:
            detail = f"a compiled plan may have {MOST_PLAN_BYTES} bytes, found {num_bytes}"
            raise CandidateFailure(Outcome.INVALID, detail)
        field = ReplyField(name="text", dtype="uint8", shape=(num_bytes,))
        text = self._candidate.function("compiled", arguments, [field]).arrays["text"].tobytes()
        return assembled(text, self._stage, shape)

    def _ask(self, name: str, arguments: Sequence[Argument], fields: Sequence[ReplyField]) -> Mapping[str, Array]:
        """The declared arrays, or the failure that the host tells of."""
        arrays = self._candidate.function(name, arguments, [_FAULT, *fields]).arrays
        if "fault" in arrays:
            text = arrays["fault"].tobytes().rstrip(b"\0").decode("ascii", "replace")
            raise CandidateFailure(Outcome.INVALID, one_line(text, FAULT_BYTES))
        missing = [field.name for field in fields if field.name not in arrays]
        if missing:
            raise CandidateFailure(Outcome.INVALID, f"{name}: the reply lacks {missing[0]!r}")
        return arrays


def assembled(text: bytes, stage: Stage, shape: LayerShape) -> tuple[Plan, tuple[Machine, ...]]:
    """The plan in the host's JSON, its kernels as PTX and as machine code.

    Raises:
        CandidateFailure: It is not the host's (`TAMPERED`), or cannot run on compute capability 9.0 (`INVALID`).
    """
    plan = read_plan(text, frozenset(stages.dtypes(stage, shape)))
    try:
        check_plan(plan)
        return plan, tuple(assemble(kernel.ptx) for kernel in plan.kernels)
    except PtxError as error:
        raise CandidateFailure(Outcome.INVALID, one_line(str(error), FAULT_BYTES)) from error


def told(stage: Stage, shape: LayerShape, *, interpreted: bool) -> dict[str, Argument]:
    """What `plan` is told of a shape."""
    return {
        "stage": stage.value,
        "T": shape.tokens,
        "D": shape.width,
        "E": shape.experts,
        "K": shape.top_k,
        "F": shape.expert_width,
        "R": shape.rows,
        "dtype": shape.dtype,
        "interpreted": interpreted,
    }


def _num_bytes(buffer: stages.Buffer) -> int:
    return int(np.prod(buffer.size, dtype=np.int64)) * stages.BYTES_OF[buffer.dtype]


def _tensor(found: Array, buffer: stages.Buffer) -> Tensor:
    return torch.frombuffer(bytearray(found.tobytes()), dtype=DTYPES[buffer.dtype]).reshape(buffer.size)
