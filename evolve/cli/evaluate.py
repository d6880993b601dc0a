"""`evolve evaluate`: score a program file and remember it."""

from __future__ import annotations

from typing import Annotated

import typer

from evaluators.contract import PlannerClock, Split, Tier
from evolve.cli.options import DEFAULT_ARCHIVE, AllowUnsafe, ArchiveUrl, Json, Program, Settings
from evolve.cli.printing import print_json, print_text


def evaluate(
    program: Program,
    task: Annotated[str, typer.Option(help="a task of `evolve tasks`, or the folder of one")],
    settings: Settings = None,
    tier: Annotated[Tier, typer.Option(help="how much work")] = Tier.QUICK,
    split: Annotated[Split, typer.Option(help="which instances")] = Split.SEARCH,
    seed: Annotated[int, typer.Option(help="instances of the search and validation splits")] = 0,
    planner_clock: Annotated[PlannerClock, typer.Option(help="how planner time is charged")] = PlannerClock.MEASURED,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    allow_unsafe: AllowUnsafe = False,
    as_json: Json = False,
) -> None:
    """Score PROGRAM on one tier and split; hold-out scores enter the leaderboard."""
    from evaluators import registry
    from evaluators.run import summary
    from evaluators.seed_files import read_named_program
    from evaluators.sources import read_assignments
    from evolve.cli.scoring import archived_evaluation

    problem = registry.problem(task).configured(read_assignments(settings or []))
    evaluation = archived_evaluation(
        archive,
        problem,
        read_named_program(program, problem.task.programs),
        tier,
        split,
        seed,
        planner_clock,
        allow_unsafe=allow_unsafe,
    )
    if as_json:
        print_json(evaluation)
    else:
        print_text(summary(evaluation))
