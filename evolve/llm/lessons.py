"""A scratchpad: every so many tells a model writes down what worked, what failed and what to try next."""

from __future__ import annotations

from archive.records import Attempt, AttemptState, NoteKind
from evolve.llm.model import Message
from evolve.llm.notebook import Pages, Subject
from evolve.prompting.lessons import MOST_TRIALS, Trial, build_lessons
from evolve.search.request import MutationRequest


class Scratchpad:
    """Lessons of one run; the newest go into each prompt. A `Notebook`."""

    def __init__(self, subject: Subject, every: int) -> None:
        """`every` counts tells; with 0 nothing is ever written."""
        self._subject = subject
        self._stages = subject.stages
        self._pages = Pages(subject, NoteKind.LESSON, every)

    def current(self, request: MutationRequest) -> str:
        """The newest lessons; empty before the first."""
        readable = self._pages.readable(request)
        return readable[-1].text if readable else ""

    def question(self, request: MutationRequest) -> tuple[Message, ...] | None:
        """What to ask before this attempt's own question; None for most attempts."""
        if not self._pages.due(request):
            return None
        told = self._subject.archive.attempts_told(self._subject.run_id)[: request.num_tells]
        trials = [self._trial(attempt) for attempt in told[-MOST_TRIALS:]]
        return build_lessons(self._subject.task, trials, self.current(request))

    def write(self, text: str, request: MutationRequest) -> None:
        """Keep new lessons."""
        self._pages.write(text, request)

    def _trial(self, attempt: Attempt) -> Trial:
        ending, gain = attempt.rejection, None
        own = self._stages.stored_search(attempt.candidate_id or "")
        if attempt.state is AttemptState.RECORDED and own is None:
            ending = "stopped early: clearly worse than its parent"
        elif attempt.state is AttemptState.RECORDED and own is not None:
            ending, gain = own.outcome, self._stages.gain(attempt.candidate_id or "", attempt.parent_id)
        return Trial(operator=attempt.operator, change=attempt.change, ending=ending, gain=gain)
