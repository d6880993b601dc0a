"""`evolve show`: one program, where it came from, and how it scored."""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, ArchiveUrl, Json
from evolve.cli.printing import print_json, print_table, print_text, score

if TYPE_CHECKING:
    from archive.records import Attempt, StoredEvaluation
    from archive.store import Archive


class Against(StrEnum):
    """What a diff is made against."""

    PARENT = "parent"
    INITIAL = "initial"


def show(
    candidate_id: Annotated[
        str, typer.Argument(metavar="ID", help="a candidate: its id, the first letters of it, or its name in a ranking")
    ],
    diff: Annotated[Against | None, typer.Option("--diff", help="print the change against parent or initial")] = None,
    source: Annotated[bool, typer.Option("--source", help="print the program only")] = False,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    as_json: Json = False,
) -> None:
    """Show a program: lineage, change, every evaluation, and its source or a diff."""
    from archive.store import Archive

    with Archive.open(archive, create=False, read_only=True) as opened:
        candidate = opened.candidate(candidate_id)
        if source:
            print_text(candidate.source)
            return
        path = lineage_of(opened, candidate.id)
        origin = path[-1] if path else None
        evaluations = opened.evaluations(candidate.id)
        remarks = opened.notes(candidate_id=candidate.id)
        change = _diff(opened, candidate.id, candidate.source, origin, diff) if diff else ""
    if as_json:
        document: dict[str, object] = {"id": candidate.id, "source": candidate.source, "lineage": path}
        document |= {"evaluations": [stored.evaluation for stored in evaluations], "notes": remarks}
        print_json({**document, "diff": change})
        return
    print_text(f"candidate {candidate.id}")
    print_text("\n".join(map(_step, path)) or "a program that a run started with, or that was evaluated by hand")
    _print_evaluations(evaluations)
    for remark in remarks:
        print_text(f"{remark.created_at}  {remark.kind}{': ' if remark.text else ''}{remark.text}")
    if change:
        print_text("\n" + change)


def lineage_of(archive: Archive, candidate_id: str) -> list[Attempt]:
    """The attempts that led to the candidate, in the newest run that made it; empty if none did."""
    from archive.queries import lineage

    paths = (lineage(archive, run.id, candidate_id) for run in reversed(archive.runs()))
    return next((path for path in paths if path), [])


def _step(attempt: Attempt) -> str:
    return (
        f"  attempt {attempt.index} of run {attempt.run_id}, by {attempt.proposer} ({attempt.operator}): "
        f"{attempt.parent_id[:10]} -> {(attempt.candidate_id or '')[:10]}  {attempt.change}"
    )


def _print_evaluations(evaluations: list[StoredEvaluation]) -> None:
    columns = ["task", "tier", "split", "outcome", "score", "instances", "cpu s", "sandbox"]
    rows = [
        [
            stored.evaluation.task,
            stored.evaluation.tier,
            stored.evaluation.split,
            stored.evaluation.outcome,
            score(stored.evaluation.objective),
            str(len(stored.evaluation.instances)),
            f"{stored.evaluation.cpu_s:.2f}",
            stored.evaluation.environment.sandbox,
        ]
        for stored in evaluations
    ]
    print_table(columns, rows)
    found = (stored.evaluation for stored in evaluations)
    failures = dict.fromkeys((e.tier, i.detail) for e in found for i in e.instances if i.detail)
    for tier, detail in list(failures)[:3]:
        print_text(f"failed in {tier}: {detail}")


def _diff(archive: Archive, candidate_id: str, source: str, origin: Attempt | None, against: Against) -> str:
    """A unified diff; empty where there is nothing to compare with."""
    if origin is None:
        return ""
    other = origin.parent_id if against is Against.PARENT else _initial_of(archive, origin.run_id)
    lines = difflib.unified_diff(
        archive.candidate(other).source.splitlines(),
        source.splitlines(),
        f"{against} {other[:10]}",
        candidate_id[:10],
        lineterm="",
    )
    return "\n".join(lines)


def _initial_of(archive: Archive, run_id: str) -> str:
    return archive.founders(run_id)[0].candidate_id
