"""What models write for the run's own use, every so many tells: kept as notes of the archive.

The attempt that is asked first after such a tell makes the call, before its own; so the call is a row of that attempt,
paid from the same budget, and found again by a replay. A note is read by the attempt that wrote it and by those asked
after that attempt was told: what an attempt reads then follows from its tells alone, whatever the timing was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from archive.records import Note, NoteKind
from archive.store import Archive
from evaluators.contract import Task
from evolve.llm.model import Message
from evolve.run.stages import Stages
from evolve.search.request import MutationRequest


class Notebook(Protocol):
    """Something that a model is asked to write now and then."""

    def question(self, request: MutationRequest) -> tuple[Message, ...] | None:
        """What to ask before this attempt's own question; None for most attempts."""

    def write(self, text: str, request: MutationRequest) -> None:
        """Keep what was answered to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The run that a notebook is about."""

    archive: Archive
    run_id: str
    task: Task
    stages: Stages
    timestamp: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Page:
    """One note."""

    number: int  # the index of the attempt that wrote it, so nothing that is written later changes it
    text: str


class Pages:
    """The notes of one kind of one run."""

    def __init__(self, subject: Subject, kind: NoteKind, every: int) -> None:
        """`every` counts tells between two notes; with 0 none is ever due."""
        self._archive = subject.archive
        self._run_id = subject.run_id
        self._kind = kind
        self._every = every
        self._timestamp = subject.timestamp

    def due(self, request: MutationRequest) -> bool:
        """Whether this attempt is the first asked after so many more tells."""
        if not self._every or request.index == 0:
            return False
        seen_before = self._archive.attempt(self._run_id, request.index - 1).num_tells
        return request.num_tells // self._every > seen_before // self._every

    def readable(self, request: MutationRequest) -> list[Page]:
        """What this attempt may read, in the order asked: the order in which calls ended follows from timing."""
        pages = [
            Page(number, note.text) for number, note in self._notes().items() if self._is_readable(number, request)
        ]
        return sorted(pages, key=lambda page: page.number)

    def write(self, text: str, request: MutationRequest) -> None:
        """Add a note; a resumed run may bring the same one again."""
        if text.strip() and request.index not in self._notes():
            note = Note(
                kind=self._kind,
                text=text,
                created_at=self._timestamp(),
                run_id=self._run_id,
                attempt_index=request.index,
            )
            self._archive.add_note(note)

    def _notes(self) -> dict[int, Note]:
        """By the attempt that wrote them."""
        found = self._archive.notes_for(self._run_id, self._kind)
        return {note.attempt_index: note for note in found if note.attempt_index is not None}

    def _is_readable(self, number: int, request: MutationRequest) -> bool:
        if number == request.index:
            return True
        tell_order = self._archive.attempt(self._run_id, number).tell_order
        return tell_order is not None and tell_order < request.num_tells
