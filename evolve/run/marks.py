"""What a person said about programs: pinned ones are parents now and then, banned ones never again."""

from __future__ import annotations

from collections.abc import Iterable

from archive.records import Note, NoteKind
from archive.store import Archive
from evolve.run.stages import Stages
from evolve.run.standing import member_of
from evolve.search.search import Search

_MARKS = (NoteKind.PIN, NoteKind.BAN, NoteKind.FREE)


class Marks:
    """Keeps a search up to date with the remarks that people make while it runs."""

    def __init__(self, archive: Archive, run_id: str, stages: Stages) -> None:
        self._archive = archive
        self._run_id = run_id
        self._stages = stages
        self._known: dict[str, NoteKind] = {}

    def refresh(self, search: Search) -> None:
        """Tell `search` of the marks, if they have changed. A pinned program without a score here is left out."""
        marks = latest_marks(self._archive.notes_for(self._run_id, *_MARKS))
        if marks == self._known:
            return
        self._known = marks
        pinned = [candidate_id for candidate_id, kind in marks.items() if kind is NoteKind.PIN]
        found = [member_of(i, self._stages.stored_search(i), self._stages.task) for i in pinned]
        banned = [candidate_id for candidate_id, kind in marks.items() if kind is NoteKind.BAN]
        search.mark([member for member in found if member is not None], banned)


def latest_marks(notes: Iterable[Note]) -> dict[str, NoteKind]:
    """The mark of each candidate: the last one counts, and a freed candidate has none."""
    marks: dict[str, NoteKind] = {}
    for note in notes:
        if note.candidate_id is not None and note.kind in _MARKS:
            marks[note.candidate_id] = note.kind
    return {candidate_id: kind for candidate_id, kind in marks.items() if kind is not NoteKind.FREE}
