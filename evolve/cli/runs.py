"""`evolve runs` and `evolve stop`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, ArchiveUrl, Json
from evolve.cli.printing import counted, outcomes_text, print_json, print_table, print_text

if TYPE_CHECKING:
    from archive.queries import OperatorRate
    from archive.run_summaries import RunSummary
    from archive.store import Archive


NO_LIFE = "no sign of life"  # in place of "running"; `evolve resume` goes on


def runs(
    run_id: Annotated[str | None, typer.Argument(metavar="[RUN]", help="one run in full")] = None,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    as_json: Json = False,
) -> None:
    """List the runs of the archive, newest last, or tell how one went: outcomes, and which operators helped."""
    from archive.run_summaries import run_summaries
    from archive.store import Archive

    with Archive.open(archive, create=False, read_only=True) as opened:
        if run_id is not None:
            _print_run(opened, run_id, as_json=as_json)
            return
        summaries = sorted(run_summaries(opened), key=lambda run: (run.created_at, run.run_id))
        listed = [(run, _life(opened, run)) for run in summaries]
    rows = [
        {"run": run.run_id, "task": run.task, "status": life, "attempts": run.told, "created_at": run.created_at}
        for run, life in listed
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(["run", "task", "status", "attempts", "created"], [[str(v) for v in row.values()] for row in rows])


def _life(archive: Archive, run: RunSummary) -> str:
    """Where a run stands; one whose process died still has the status that it had then."""
    from archive.records import RunStatus
    from archive.waiting import WAITING, is_waiting
    from evolve.run.lease import shows_life

    if run.status == RunStatus.RUNNING and not shows_life(archive, run.run_id):
        return NO_LIFE
    return WAITING if is_waiting(archive, run) else run.status


def _print_run(archive: Archive, run_id: str, *, as_json: bool) -> None:
    from archive.queries import operator_rates, outcome_counts, usage
    from archive.records import RunStatus
    from archive.run_summaries import run_summaries
    from archive.waiting import open_asks
    from dashboard.views.judgement import read_verdict
    from evolve.cli.report import model_sentence
    from evolve.config import RunConfig

    run, outcomes, used = archive.run(run_id), outcome_counts(archive, run_id), usage(archive, run_id)
    status = _life(archive, next(summary for summary in run_summaries(archive) if summary.run_id == run.id))
    rates, num_open = operator_rates(archive, run_id), open_asks(archive, run_id)
    if as_json:
        print_json({"run": run.id, "status": status, "outcomes": dict(outcomes), "operators": rates, "usage": used})
        return
    print_text(f"run {run.id} of {run.task}, {status}, made with {run.software} at {run.created_at}")
    print_text(f"seed {run.seed}; {counted(sum(outcomes.values()), 'attempt')}: {outcomes_text(outcomes) or 'none'}")
    print_text(f"{counted(used.evaluations, 'evaluation')}, {used.cpu_s:.1f} s of CPU in children")
    if used.calls:
        print_text(model_sentence(used))
    if status == RunStatus.FINISHED:
        verdict = read_verdict(archive, run.id, RunConfig.model_validate_json(run.config).final_tier)
        print_text(verdict.sentence if verdict else "it was not judged")
    print_text(_next_step(run.id, status, num_open))
    if not rates:
        return
    print_text("")
    print_table(
        ["operator", "attempts", "rejected", "scored", "better than the parent", "stopped, twin or failed"],
        [[name, *map(str, counts)] for name, counts in _by_operator(rates).items()],
    )


def _next_step(run_id: str, status: str, num_open: int) -> str:
    """What the user can do with a run that stands there; `num_open` attempts were asked and not answered."""
    from archive.records import RunStatus
    from archive.waiting import WAITING

    if status == WAITING and num_open:
        them = counted(num_open, "attempt")
        return f"{them} asked for and not answered yet; see the prompts again with: evolve ask {run_id} --waiting"
    if status == WAITING:
        return f"get the next prompt with: evolve ask {run_id}"
    if status == RunStatus.RUNNING:
        return f"end it early with: evolve stop {run_id}"
    if status == RunStatus.FINISHED:
        return f"see how it was judged with: evolve resume {run_id}"
    return f"go on with: evolve resume {run_id}"


def _by_operator(rates: Sequence[OperatorRate]) -> dict[str, list[int]]:
    """Attempts, rejected, scored, improved and others per operator; an attempt that stacks several counts for each."""
    found: dict[str, list[int]] = {}
    for rate in rates:
        others = rate.attempts - rate.rejected - rate.scored
        counts = (rate.attempts, rate.rejected, rate.scored, rate.improved, others)
        for name in dict.fromkeys(rate.operator.split("+")):
            found[name] = [total + count for total, count in zip(found.get(name, [0] * 5), counts, strict=True)]
    return dict(sorted(found.items(), key=lambda item: -item[1][0]))


def stop(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="a run of `evolve runs`")],
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
) -> None:
    """Ask the process that drives RUN to stop; `evolve resume` goes on from there."""
    from archive.records import RunStatus
    from archive.store import Archive
    from evolve.errors import RunError
    from evolve.run.lease import is_driven

    with Archive.open(archive, create=False) as opened:
        run = opened.run(run_id)
        if run.status is not RunStatus.RUNNING:
            raise RunError(f"run {run.id} is not running, it is {run.status}")
        if not is_driven(opened, run.id):
            raise RunError(f"nobody drives run {run.id}, its process was killed; go on with: evolve resume {run.id}")
        opened.request_stop(run.id)
    print_text(f"run {run.id} will stop within a second or two; go on with: evolve resume {run.id}")
