"""A scratchpad: every so many tells a model writes down what worked, what failed and what to try next.

The attempt that is asked first after such a tell makes the call, before its own; so the call is a row of that attempt,
paid from the same budget, and found again by a replay.
"""

from __future__ import annotations

from collections.abc import Callable

from archive.records import Attempt, AttemptState, Note, NoteKind
from archive.store import Archive
from evaluators.contract import Outcome, Task
from evolve.llm.model import Message
from evolve.prompting.lessons import MOST_TRIALS, Trial, build_lessons
from evolve.request import MutationRequest
from evolve.stages import Stages


class Scratchpad:
    """Lessons of one run, kept as notes of the archive."""

    def __init__(
        self, archive: Archive, run_id: str, task: Task, stages: Stages, every: int, timestamp: Callable[[], str]
    ) -> None:
        """`every` counts tells; with 0 nothing is ever written."""
        self._archive = archive
        self._run_id = run_id
        self._task = task
        self._stages = stages
        self._every = every
        self._timestamp = timestamp

    def current(self) -> str:
        """The newest lessons; empty before the first."""
        notes = self._archive.notes_for(self._run_id)
        return next((note.text for note in reversed(notes) if note.kind is NoteKind.LESSON), "")

    def question(self, request: MutationRequest) -> tuple[Message, ...] | None:
        """What to ask before this attempt's own question; None for most attempts."""
        if not self._every or request.index == 0:
            return None
        seen_before = self._archive.attempt(self._run_id, request.index - 1).num_tells
        if request.num_tells // self._every <= seen_before // self._every:
            return None
        told = self._archive.attempts_told(self._run_id)[: request.num_tells]
        trials = [self._trial(attempt) for attempt in told[-MOST_TRIALS:]]
        return build_lessons(self._task, trials, self.current())

    def write(self, text: str) -> None:
        """Keep new lessons; a resumed run may bring the same ones again."""
        if text.strip() and text != self.current():
            note = Note(kind=NoteKind.LESSON, text=text, created_at=self._timestamp(), run_id=self._run_id)
            self._archive.add_note(note)

    def _trial(self, attempt: Attempt) -> Trial:
        ending, gain = attempt.rejection, None
        own = self._stages.stored_search(attempt.candidate_id or "")
        if attempt.state is AttemptState.RECORDED and own is None:
            ending = "stopped early: clearly worse than its parent"
        elif attempt.state is AttemptState.RECORDED and own is not None:
            ending = own.outcome
            parents = self._stages.stored_search(attempt.parent_id)
            if own.outcome is Outcome.SCORED and parents is not None and parents.objective is not None:
                gain = (own.objective or 0.0) - parents.objective
        return Trial(operator=attempt.operator, change=attempt.change, ending=ending, gain=gain)
