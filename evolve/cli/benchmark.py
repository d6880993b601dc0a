"""`evolve benchmark`: search strategies at equal budgets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evaluators.contract import PlannerClock, Tier
from evolve.choices import Donors
from evolve.cli.options import ArchiveUrl, Json, Settings


def benchmark(
    task: Annotated[str, typer.Argument(help="a task of `evolve tasks`")],
    settings: Settings = None,
    config: Annotated[
        Path | None, typer.Option(help="run file of what all strategies share, such as models; options override it")
    ] = None,
    strategies: Annotated[
        str, typer.Option(help="names, separated by commas; the others are compared with the first")
    ] = "default,hill,best_of_n,random,repeated",
    evaluations: Annotated[int, typer.Option(min=1, help="quick evaluations of new programs in each run")] = 120,
    repeats: Annotated[int, typer.Option(min=1, help="runs of each strategy, on paired seeds")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="of the first repeat; the others count up")] = 1,
    donors: Annotated[
        Donors, typer.Option(help="claims need `archive`: else pasting a baseline in wins")
    ] = Donors.ARCHIVE,
    planner_clock: Annotated[PlannerClock, typer.Option(help="how planner time is charged")] = PlannerClock.MODELLED,
    holdout_tier: Annotated[Tier, typer.Option(help="tier of the hold-out scores")] = Tier.QUICK,
    workers: Annotated[int, typer.Option(min=0, help="evaluation processes (0: one per core)")] = 0,
    out: Annotated[Path, typer.Option(help="folder of the table, the picture and the figures")] = Path(
        "benchmarks/results"
    ),
    archive: ArchiveUrl = "sqlite:///benchmark.db",
    as_json: Json = False,
) -> None:
    """Compare search strategies on TASK; an interrupted benchmark goes on where it ended, by the same command."""
    from evolve.cli.benchmarking import Plan, compare
    from evolve.cli.sessions import read_options

    given = {
        "evaluations": evaluations,
        "donors": donors,
        "planner_clock": planner_clock,
        "order": "index",
        "workers": workers,
    }
    names = tuple(name.strip() for name in strategies.split(","))
    base = read_options(task, config, settings or [], given)
    compare(Plan(dict(base), names, evaluations, repeats, seed, holdout_tier), archive, out, as_json=as_json)
