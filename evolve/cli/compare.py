"""`evolve compare`: two programs on equal instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from evaluators.contract import PlannerClock, Split, Tier
from evolve.cli.options import DEFAULT_ARCHIVE, AllowUnsafe, ArchiveUrl, Json, Settings
from evolve.cli.printing import difference, interval, print_json, print_table, print_text, score

if TYPE_CHECKING:
    from evolve.cli.pairing import Contest

_PROGRAM = "a candidate's id, its first letters, its name in a ranking, or a program file (with --task)"


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=_PROGRAM)],
    second: Annotated[str, typer.Argument(metavar="B", help=_PROGRAM)],
    task: Annotated[str | None, typer.Option(help="the task; needed for program files")] = None,
    settings: Settings = None,
    split: Annotated[Split, typer.Option(help="which instances")] = Split.HOLDOUT,
    tier: Annotated[
        Tier | None, typer.Option(help="how much work (default: the largest that is archived, else full)")
    ] = None,
    seed: Annotated[int, typer.Option(help="instances of the search and validation splits")] = 0,
    planner_clock: Annotated[
        PlannerClock | None, typer.Option(help="how planner time is charged (default: as archived, else measured)")
    ] = None,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    allow_unsafe: AllowUnsafe = False,
    as_json: Json = False,
) -> None:
    """Say whether program A is better than program B, by the paired difference on equal instances.

    What is not archived yet is evaluated here and archived.
    """
    from evolve.cli.pairing import Terms, contest

    terms = Terms(task, tuple(settings or ()), split, tier, seed, planner_clock, allow_unsafe)
    held = contest(archive, first, second, terms)
    if as_json:
        print_json(_json(held))
    else:
        _print(held)


def _print(held: Contest) -> None:
    found = held.comparison
    print_text(f"{held.task} {held.parameters}, {found.tier}, {found.split}\n[{held.environment_class}]")
    print_text(f"A  {held.a.name}  {score(found.a)}\nB  {held.b.name}  {score(found.b)}")
    if found.regimes:
        print_text("")
        rows = [
            [r.regime, str(r.instances), score(r.a), score(r.b), difference(r.difference), f"{r.p:.2g}"]
            for r in found.regimes
        ]
        low, high = (found.interval.low, found.interval.high) if found.interval else (None, None)
        print_table(["regime", "instances", "A", "B", "A - B", "p (Holm)"], rows)
        print_text(f"\nA - B, paired, 95 %: {interval(low, high)}")
    print_text(found.verdict)


def _json(held: Contest) -> dict[str, object]:
    found = held.comparison
    return {
        "a": {"id": held.a.candidate.id, "name": held.a.name, "score": found.a},
        "b": {"id": held.b.candidate.id, "name": held.b.name, "score": found.b},
        "task": held.task,
        "parameters": held.parameters,
        "tier": found.tier,
        "split": found.split,
        "seeds": held.seeds,
        "environment": held.environment_class,
        "instances": found.instances,
        "difference": found.difference,
        "low": found.interval.low if found.interval else None,
        "high": found.interval.high if found.interval else None,
        "p": found.p,
        "regimes": found.regimes,
        "verdict": found.verdict,
    }
