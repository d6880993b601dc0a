"""`evolve run` and `evolve resume`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from evaluators.contract import PlannerClock, Tier
from evolve.choices import Donors, Order, ProposerKind, Sampler
from evolve.cli.options import DEFAULT_ARCHIVE, AllowUnsafe, ArchiveUrl, Json, Settings

EXIT_NO_SCORE = 3
EXIT_INTERRUPTED = 130
DEFAULT_ATTEMPTS = 200


def run(
    task: Annotated[str, typer.Argument(help="a task of `evolve tasks`, or the folder of one")],
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option(help="makes the run repeatable (default: from the system)")] = None,
    attempts: Annotated[
        int | None, typer.Option(help=f"asks in all (default {DEFAULT_ATTEMPTS} without a budget)")
    ] = None,
    evaluations: Annotated[int | None, typer.Option(help="quick evaluations of new programs")] = None,
    seconds: Annotated[float | None, typer.Option(help="wall time of the search, hold-out not counted")] = None,
    patience: Annotated[int | None, typer.Option(help="stop after so many attempts without a better one")] = None,
    target: Annotated[float | None, typer.Option(help="stop at this search score")] = None,
    workers: Annotated[int | None, typer.Option(help="evaluation processes (default: one per core)")] = None,
    proposer: Annotated[ProposerKind | None, typer.Option(help="who writes the programs (default genetic)")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[@URL]", help="model, and its OpenAI-compatible server; repeatable"),
    ] = None,
    usd: Annotated[float | None, typer.Option(help="what model calls may cost in all")] = None,
    tokens: Annotated[int | None, typer.Option(help="tokens of model calls in all")] = None,
    replies: Annotated[Path | None, typer.Option(help="file of programs or replies for --proposer recorded")] = None,
    order: Annotated[Order | None, typer.Option(help="`index` repeats exactly, `completion` is faster")] = None,
    window: Annotated[int | None, typer.Option(help="asks in flight with --order index (default 8)")] = None,
    planner_clock: Annotated[PlannerClock | None, typer.Option(help="how planner time is charged")] = None,
    islands: Annotated[int | None, typer.Option(help="separate populations (default 1)")] = None,
    sampler: Annotated[Sampler | None, typer.Option(help="how parents are drawn (default best_first)")] = None,
    donors: Annotated[
        Donors | None, typer.Option(help="where crossovers take code from; `baselines` turns them on")
    ] = None,
    initial: Annotated[list[Path] | None, typer.Option(help="program to start from; repeatable")] = None,
    start_from: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="ID", help="candidate to start from; with --proposer recorded the run to repeat"
        ),
    ] = None,
    loads: Annotated[Path | None, typer.Option(help="recorded workload; short for --set loads=FILE")] = None,
    final_tier: Annotated[
        Tier | None, typer.Option(help="tier of the hold-out at the end (default: the task's, mostly full)")
    ] = None,
    finalists: Annotated[int | None, typer.Option(help="programs that get a hold-out score (default 3)")] = None,
    look_every: Annotated[
        int | None, typer.Option(help="tells between looks at the champion on fresh validation seeds (default 50)")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="run file (TOML); options override it")] = None,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    allow_unsafe: AllowUnsafe = False,
    as_json: Json = False,
) -> None:
    """Evolve programs for TASK and judge the best on instances nobody has seen."""
    given: dict[str, object] = {
        "seed": seed,
        "attempts": attempts,
        "evaluations": evaluations,
        "seconds": seconds,
        "patience": patience,
        "target": target,
        "workers": workers,
        "proposer": proposer,
        "usd": usd,
        "tokens": tokens,
        "replies": None if replies is None else str(replies.resolve()),
        "order": order,
        "window": window,
        "planner_clock": planner_clock,
        "islands": islands,
        "sampler": sampler,
        "donors": donors,
        "final_tier": final_tier,
        "finalists": finalists,
        "look_every": look_every,
        "allow_unsafe": allow_unsafe or None,
    }
    if loads is not None:
        settings = [*(settings or []), f"loads={loads}"]
    from evolve.cli import sessions

    checked = sessions.read_options(task, config, settings or [], given, model or [])
    sys.exit(sessions.start(archive, checked, initial or [], start_from or [], as_json=as_json))


def resume(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="a run of `evolve runs`")],
    attempts: Annotated[int | None, typer.Option(help="raise the number of asks in all")] = None,
    seconds: Annotated[float | None, typer.Option(help="wall time of this session's search")] = None,
    evaluations: Annotated[int | None, typer.Option(help="raise the number of quick evaluations in all")] = None,
    patience: Annotated[int | None, typer.Option(help="stop after so many attempts without a better one")] = None,
    target: Annotated[float | None, typer.Option(help="stop at this search score")] = None,
    usd: Annotated[float | None, typer.Option(help="raise what model calls may cost in all")] = None,
    tokens: Annotated[int | None, typer.Option(help="raise the tokens of model calls in all")] = None,
    final_tier: Annotated[Tier | None, typer.Option(help="tier of the hold-out from now on")] = None,
    workers: Annotated[int | None, typer.Option(help="evaluation processes of this session")] = None,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    as_json: Json = False,
) -> None:
    """Go on with a run that was stopped or killed; what was finished is not done again.

    A budget or a final tier that is given here stays with the run. Programs that were judged on another tier before
    keep that score; only scores of one tier are ranked together.
    """
    from evolve.cli import sessions

    changes: dict[str, object] = {
        "attempts": attempts,
        "evaluations": evaluations,
        "seconds": seconds,
        "patience": patience,
        "target": target,
        "usd": usd,
        "tokens": tokens,
        "final_tier": final_tier,
        "workers": workers,
    }
    sys.exit(sessions.go_on(archive, run_id, changes, as_json=as_json))
