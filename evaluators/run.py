"""Score one program once, on a machine with numpy and scipy only: ``python -m evaluators.run --task T --program P``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluators import jsonable, registry
from evaluators.contract import Evaluation, EvaluatorError, Outcome, Split, Tier
from evaluators.environment import environment_of
from evaluators.figures import score_range, score_text
from evaluators.measure import mean_interval
from evaluators.problem import ClockPolicy, PlannerClock, Problem
from evaluators.sandbox.client import Sandbox
from evaluators.scoring import Workload, evaluate
from evaluators.seed_files import read_named_program
from evaluators.seeding import report_secret, secret_from_seed
from evaluators.sources import read_assignments

_EXIT_BAD_INPUT = 1


def parser() -> argparse.ArgumentParser:
    """The command line of the one-shot evaluator."""
    commands = argparse.ArgumentParser(prog="python -m evaluators.run", description=__doc__)
    commands.add_argument("--task", required=True, help=f"a folder, or one of: {', '.join(registry.task_names())}")
    commands.add_argument("--program", required=True, type=Path, help="a Python file, or a baseline's name")
    commands.add_argument("--tier", type=Tier, choices=list(Tier), default=Tier.QUICK, help="default: quick")
    commands.add_argument("--split", type=Split, choices=list(Split), default=Split.SEARCH, help="default: search")
    commands.add_argument("--seed", type=int, default=0, help="which instances; equal seeds see equal ones (default 0)")
    commands.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the task")
    commands.add_argument("--planner-clock", type=PlannerClock, choices=list(PlannerClock)[:2], default="measured")
    commands.add_argument("--allow-unsafe", action="store_true", help="run without a full sandbox, and say so")
    commands.add_argument("--json", action="store_true", help="print the evaluation as JSON")
    commands.add_argument("--out", type=Path, help="also write the JSON to this file")
    return commands


def score_program(
    problem: Problem, source: str, tier: Tier, split: Split, secret: str, clock: ClockPolicy, *, allow_unsafe: bool
) -> Evaluation:
    """One evaluation in a sandbox of its own.

    Raises:
        EvaluatorError: The machine cannot hold the sandbox, or lacks a library of the task.
    """
    task = problem.task
    with Sandbox.start(task.libraries, allow_unsafe=allow_unsafe) as sandbox:
        environment = environment_of(task, sandbox.layers)
        workload = Workload.build(problem, tier, split, secret)
        return evaluate(problem, workload, source, sandbox.candidate, environment, clock)


def summary(evaluation: Evaluation) -> str:
    """The evaluation in a few lines for a person."""
    scored = sum(instance.outcome is Outcome.SCORED for instance in evaluation.instances)
    lines = [
        f"{evaluation.task} ({evaluation.tier}, {evaluation.split}): {evaluation.outcome}, "
        f"{scored} of {len(evaluation.instances)} instances scored, "
        f"{evaluation.cpu_s:.2f} s of CPU in the child, sandbox {evaluation.environment.sandbox}"
    ]
    if evaluation.objective is not None:
        interval = mean_interval(
            [instance.counted_score for instance in evaluation.instances],
            [instance.regime for instance in evaluation.instances],
        )
        spread = f"  95 % {score_range(interval.low, interval.high)}" if interval else ""
        lines.append(f"score {score_text(evaluation.objective)}{spread}")
    lines += [f"{name:20s} {value:.6g}" for name, value in evaluation.metrics.items()]
    if evaluation.feedback:  # what a proposer would be told; there is none beyond the search split
        lines += ["", evaluation.feedback]
    return "\n".join([*lines, *_failures(evaluation)])


def _failures(evaluation: Evaluation) -> list[str]:
    """Why instances failed, in the first reasons, unless the feedback says so already."""
    reasons = dict.fromkeys(i.detail for i in evaluation.instances if i.outcome is not Outcome.SCORED and i.detail)
    if evaluation.first_failure and evaluation.first_failure in evaluation.feedback:
        return []
    if not reasons and evaluation.objective is None and evaluation.split.is_hidden:
        return ["failed: why is not told of hidden instances; evaluate it on the split `search`"]
    return [f"failed: {detail}" for detail in list(reasons)[:3]]


def run(arguments: argparse.Namespace) -> Evaluation:
    """The evaluation that the command line asks for."""
    problem = registry.problem(arguments.task).configured(read_assignments(arguments.set))
    clock = ClockPolicy(clock=PlannerClock(arguments.planner_clock))
    task, public = problem.task, arguments.split is Split.REPORT
    secret = report_secret(task.name, task.revision) if public else secret_from_seed(arguments.seed)
    return score_program(
        problem,
        read_named_program(arguments.program, task.programs),
        arguments.tier,
        arguments.split,
        secret,
        clock,
        allow_unsafe=arguments.allow_unsafe,
    )


def main(words: Sequence[str] | None = None) -> int:
    """Exit status: 0 evaluated (whatever the outcome), 1 bad input with one sentence, 2 usage."""
    arguments = parser().parse_args(words)
    try:
        evaluation = run(arguments)
        text = jsonable.dumps(evaluation)
        if arguments.out:
            arguments.out.write_text(text + "\n", encoding="utf-8")
    except (EvaluatorError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return _EXIT_BAD_INPUT
    sys.stdout.write((text if arguments.json else summary(evaluation)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
