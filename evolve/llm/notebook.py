"""What models write for the run's own use, every so many tells: kept as notes of the archive.

The attempt that is asked first after such a tell makes the call, before its own; so the call is a row of that attempt,
paid from the same budget, and found again by a replay. A note is read by the attempt that wrote it and by those asked
after that attempt was told: what an attempt reads then follows from its tells alone, whatever the timing was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from archive.records import Note, NoteKind
from archive.store import Archive
from evolve.llm.model import Message
from evolve.request import MutationRequest


class Notebook(Protocol):
    """Something that a model is asked to write now and then."""

    def question(self, request: MutationRequest) -> tuple[Message, ...] | None:
        """What to ask before this attempt's own question; None for most attempts."""

    def write(self, text: str, request: MutationRequest) -> None:
        """Keep what was answered to it."""


class Pages:
    """The notes of one kind of one run."""

    def __init__(self, archive: Archive, run_id: str, kind: NoteKind, every: int, timestamp: Callable[[], str]) -> None:
        """`every` counts tells between two notes; with 0 none is ever due."""
        self._archive = archive
        self._run_id = run_id
        self._kind = kind
        self._every = every
        self._timestamp = timestamp

    def due(self, request: MutationRequest) -> bool:
        """Whether this attempt is the first asked after so many more tells."""
        if not self._every or request.index == 0:
            return False
        seen_before = self._archive.attempt(self._run_id, request.index - 1).num_tells
        return request.num_tells // self._every > seen_before // self._every

    def readable(self, request: MutationRequest) -> list[str]:
        """What this attempt may read, the oldest first."""
        notes = [note for note in self._archive.notes_for(self._run_id) if note.kind is self._kind]
        return [note.text for note in notes if self._is_readable(note, request)]

    def write(self, text: str, request: MutationRequest) -> None:
        """Add a note; a resumed run may bring the same one again."""
        known = {(note.kind, note.attempt_index) for note in self._archive.notes(run_id=self._run_id)}
        if text.strip() and (self._kind, request.index) not in known:
            note = Note(
                kind=self._kind,
                text=text,
                created_at=self._timestamp(),
                run_id=self._run_id,
                attempt_index=request.index,
            )
            self._archive.add_note(note)

    def _is_readable(self, note: Note, request: MutationRequest) -> bool:
        if note.attempt_index is None or note.attempt_index == request.index:
            return True
        tell_order = self._archive.attempt(self._run_id, note.attempt_index).tell_order
        return tell_order is not None and tell_order < request.num_tells
