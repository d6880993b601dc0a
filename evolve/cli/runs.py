"""`evolve runs` and `evolve stop`."""

from __future__ import annotations

from typing import Annotated

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, ArchiveUrl, Json
from evolve.cli.printing import print_json, print_table, print_text


def runs(archive: ArchiveUrl = DEFAULT_ARCHIVE, as_json: Json = False) -> None:
    """List the runs of the archive, newest last."""
    from archive.store import Archive

    with Archive.open(archive, create=False, read_only=True) as opened:
        listed = [(run, len(opened.attempts(run.id))) for run in opened.runs()]
    rows = [
        {"run": run.id, "task": run.task, "status": run.status, "attempts": attempts, "created_at": run.created_at}
        for run, attempts in listed
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(["run", "task", "status", "attempts", "created"], [[str(v) for v in row.values()] for row in rows])


def stop(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="a run of `evolve runs`")],
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
) -> None:
    """Ask the process that drives RUN to stop; `evolve resume` goes on from there."""
    from archive.records import RunStatus
    from archive.store import Archive
    from evolve.errors import RunError

    with Archive.open(archive, create=False) as opened:
        run = opened.run(run_id)
        if run.status is not RunStatus.RUNNING:
            raise RunError(f"run {run.id} is not running, it is {run.status}")
        opened.request_stop(run.id)
    print_text(f"run {run.id} will stop within a second or two; go on with: evolve resume {run.id}")
