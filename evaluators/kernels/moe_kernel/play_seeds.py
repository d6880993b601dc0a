"""Plays the shipped programs of a stage in this process, for machines whose kernel cannot hold the sandbox.

``python -m evaluators.kernels.moe_kernel.play_seeds --stage combine --tier quick --out combine.json``. Only programs
that came with Evenkeel are played: nothing confines them here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from evaluators import jsonable
from evaluators.candidate import CandidateFailure
from evaluators.contract import EvaluatorError, InstanceResult, Split, Tier
from evaluators.kernels.moe_kernel.own import OwnProgram
from evaluators.kernels.moe_kernel.stages import STAGES
from evaluators.kernels.moe_kernel.task import PROBLEM, KernelProblem
from evaluators.problem import ClockPolicy, Instance
from evaluators.seed_files import seed_files
from evaluators.seeding import SeedSource, report_secret
from evaluators.sources import read_assignments


def play_all(problem: KernelProblem, tier: Tier) -> Mapping[str, tuple[InstanceResult, ...]]:
    """The results of each shipped program on the public instances, by the program's name."""
    source = SeedSource(report_secret(problem.task.name, problem.task.revision), Split.REPORT)
    instances = problem.instances(tier, Split.REPORT, source)
    files = seed_files(problem.task.programs)
    shipped = [file for file in (files.initial, *files.baselines) if file is not None]
    found = {}
    for file in shipped:
        program = OwnProgram(file.read_text(encoding="utf-8"))
        found[file.name.removesuffix(".py")] = tuple(_result(instance, program) for instance in instances)
    return found


def _result(instance: Instance, program: OwnProgram) -> InstanceResult:
    try:
        return instance.play(program, ClockPolicy())
    except CandidateFailure as failure:
        return InstanceResult(
            name=instance.name, regime=instance.regime, outcome=failure.outcome, detail=failure.detail
        )  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Print a line per program and instance; exit status 1 with one sentence on bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage", choices=[stage.value for stage in STAGES], default="combine")
    parser.add_argument("--tier", type=Tier, choices=list(Tier), default=Tier.QUICK)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the task")
    parser.add_argument("--out", type=Path, help="write the results as JSON to this file")
    arguments = parser.parse_args(words)
    try:
        problem = PROBLEM.configured({**read_assignments(arguments.set), "stage": arguments.stage})
        found = play_all(problem, arguments.tier)
    except EvaluatorError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    for name, results in found.items():
        for result in results:
            told = ", ".join(f"{metric} {value:.4g}" for metric, value in result.metrics.items())
            score = "" if result.score is None else f" {result.score:.4f}"
            sys.stdout.write(f"{name} {result.name}: {result.outcome}{score} {told}{result.detail}\n")
    if arguments.out:
        arguments.out.write_text(jsonable.dumps(found) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
