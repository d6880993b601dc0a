"""Programs of ours in this process, without a sandbox: the naive one that scores 0, and seeds on a GPU machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from evaluators.adapters.hosting import hosted
from evaluators.candidate import Argument, Reply, ReplyField
from evaluators.contract import EvaluatorError
from evaluators.kernels.moe_kernel.assemble import Machine
from evaluators.kernels.moe_kernel.parameters import HOST, seeds_of
from evaluators.kernels.moe_kernel.plans import Plan
from evaluators.kernels.moe_kernel.program import Program
from evaluators.kernels.moe_kernel.terms import WEAK_BASELINE
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.seed_files import seed_files


class OwnProgram:
    """`evaluators.candidate.Candidate` over a trusted program. Never for a program that came from elsewhere."""

    def __init__(self, source: str) -> None:
        self._names: dict[str, Any] = {"__name__": "own_program"}
        exec(compile(hosted(source, HOST), "own_program", "exec", dont_inherit=True), self._names)

    def construct(self, entry_point: str, *arguments: Argument) -> float:
        """The host has functions only."""
        raise NotImplementedError(f"the host has functions only, asked for {entry_point}{arguments}")

    def method(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """The host has functions only."""
        raise NotImplementedError(f"the host has functions only, asked for {name}{tuple(arguments)} -> {reply}")

    def function(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        """Ask the host, without its checks of shapes."""
        started_s = time.process_time()
        found = self._names[name](*arguments)
        named = found if isinstance(found, dict) else {reply[0].name: found}
        arrays = {key: np.asarray(value) for key, value in named.items()}
        return Reply(arrays=arrays, cpu_s=time.process_time() - started_s)


def naive_plan(stage: Stage, shape: LayerShape) -> tuple[Plan, tuple[Machine, ...]]:
    """The naive program's plan for `shape`, its kernels as PTX and as machine code; needs triton."""
    return Program(_naive(stage), stage).compiled(shape)


@lru_cache(maxsize=1)
def _naive(stage: Stage) -> OwnProgram:
    for file in seed_files(seeds_of(stage)).baselines:
        if file.name == f"{WEAK_BASELINE}.py":
            return OwnProgram(file.read_text(encoding="utf-8"))
    raise EvaluatorError(f"expected seeds/{seeds_of(stage)}/baselines/{WEAK_BASELINE}.py, found nothing")
