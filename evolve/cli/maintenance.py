"""`evolve archive ...`: care of the archive itself."""

from __future__ import annotations

from typing import Annotated

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, ArchiveUrl
from evolve.cli.printing import print_text

app = typer.Typer(no_args_is_help=True, help="Care of the archive itself.", rich_markup_mode=None)


@app.callback()
def archive() -> None:
    """Care of the archive itself."""


@app.command()
def upgrade(archive: ArchiveUrl = DEFAULT_ARCHIVE) -> None:
    """Bring an archive of an older Evenkeel to this one's schema; nothing in it is lost."""
    from archive.upgrade import upgrade as upgrade_schema

    upgrade_schema(archive)
    print_text("the archive has the newest schema")


@app.command()
def merge(
    other: Annotated[str, typer.Argument(metavar="URL", help="the archive to take runs from; it is only read")],
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
) -> None:
    """Copy the runs of another archive into this one; hold-out scores stay behind unless the hold-outs are the same."""
    from archive.merging import merge as merge_archives
    from archive.store import Archive

    with Archive.open(archive) as target, Archive.open(other, create=False, read_only=True) as source:
        merged = merge_archives(target, source)
    print_text(
        f"{merged.runs} runs with {merged.evaluations} evaluations and {merged.notes} notes came over; "
        f"{merged.known_runs} runs were here already"
    )
    if merged.holdout_left_behind:
        print_text(
            f"{merged.holdout_left_behind} hold-out evaluations stayed behind: the other archive has other hold-out "
            "instances; `evolve evaluate` scores a program on this one's"
        )


@app.command()
def prune(
    run_ids: Annotated[list[str], typer.Argument(metavar="RUN...", help="runs of `evolve runs`")],
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
) -> None:
    """Remove runs, and the programs and evaluations that nothing else uses; this cannot be undone."""
    from archive.pruning import prune as prune_archive
    from archive.store import Archive
    from evolve.errors import RunError
    from evolve.run.lease import is_driven

    with Archive.open(archive, create=False) as opened:
        for run_id in run_ids:
            if is_driven(opened, run_id):
                raise RunError(f"run {run_id} is running; end it with `evolve stop {run_id}` before it is removed")
        gone = prune_archive(opened, run_ids)
    print_text(
        f"removed {gone.runs} runs with {gone.attempts} attempts, {gone.evaluations} evaluations and "
        f"{gone.candidates} programs"
    )
