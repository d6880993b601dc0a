"""`evolve note`, `pin`, `ban` and `hint`: what a person has to say, heeded by the next ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, ArchiveUrl
from evolve.cli.printing import print_text

if TYPE_CHECKING:
    from archive.records import NoteKind

CandidateId = Annotated[
    str, typer.Argument(metavar="ID", help="a candidate: its id, the first letters of it, or its name in a ranking")
]
OnRun = Annotated[str | None, typer.Option("--run", metavar="RUN", help="for this run only (default: every run)")]
Undo = Annotated[bool, typer.Option("--undo", help="take an earlier pin or ban back")]
Why = Annotated[str, typer.Option("--why", help="a remark to remember it by")]


def note(
    candidate_id: CandidateId,
    words: Annotated[str, typer.Argument(metavar="TEXT", help="what you think of it")],
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
) -> None:
    """Write a remark on a program; `evolve show` and the dashboard show it, no model reads it."""
    from archive.records import NoteKind

    full_id = _remark(archive, NoteKind.NOTE, words, candidate_id, None)
    print_text(f"noted on {full_id[:10]}")


def pin(
    candidate_id: CandidateId,
    run: OnRun = None,
    undo: Undo = False,
    why: Why = "",
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
) -> None:
    """Have a program chosen as a parent now and then, however it scores; running searches follow at their next ask."""
    from archive.records import NoteKind

    full_id = _remark(archive, NoteKind.FREE if undo else NoteKind.PIN, why, candidate_id, run)
    print_text(f"{full_id[:10]} is {'no longer pinned' if undo else 'pinned: a quarter of the asks start from a pin'}")


def ban(
    candidate_id: CandidateId,
    run: OnRun = None,
    undo: Undo = False,
    why: Why = "",
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
) -> None:
    """Never choose a program as a parent, a donor or an inspiration again; its score and rank stay."""
    from archive.records import NoteKind

    full_id = _remark(archive, NoteKind.FREE if undo else NoteKind.BAN, why, candidate_id, run)
    print_text(f"{full_id[:10]} is {'no longer banned' if undo else 'banned: the search will not breed from it'}")


def hint(
    run: Annotated[str, typer.Argument(metavar="RUN", help="a run of `evolve runs`")],
    words: Annotated[str, typer.Argument(metavar="TEXT", help="what models should try, or leave alone")],
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
) -> None:
    """Put a sentence into every prompt of a run from the next ask on."""
    from archive.records import NoteKind

    _remark(archive, NoteKind.HINT, words, None, run)
    limit = _spent_attempts(archive, run)
    if limit is None:
        print_text(f"run {run} will read it from the next ask on")
    else:
        print_text(
            f"run {run} has made all its {limit} asks; it reads the hint if it goes on: "
            f"evolve resume {run} --attempts N, with N above {limit}"
        )


def _remark(url: str, kind: NoteKind, words: str, candidate_id: str | None, run_id: str | None) -> str:
    """Archives the remark; the full id of the candidate it is on, if it is on one."""
    from archive.records import Note
    from archive.store import Archive
    from evolve.clock import timestamp

    with Archive.open(url, create=False) as opened:
        full_id = None if candidate_id is None else opened.candidate(candidate_id).id
        full_run_id = None if run_id is None else opened.run(run_id).id
        opened.add_note(Note(kind=kind, text=words, created_at=timestamp(), run_id=full_run_id, candidate_id=full_id))
    return full_id or ""


def _spent_attempts(url: str, run_id: str) -> int | None:
    """The budget of a run whose attempts were all asked; None while it may ask."""
    from archive.store import Archive
    from evolve.config import RunConfig

    with Archive.open(url, create=False, read_only=True) as opened:
        limit = RunConfig.model_validate_json(opened.run(run_id).config).attempts
        return limit if limit is not None and len(opened.attempts(run_id)) >= limit else None
