"""Prompts that evolve: pieces of advice on how to go about a change, written by models and tried against each other.

Which piece a prompt carries is drawn by Thompson sampling over how often each led to a better program, no advice at
all being one of them. What an attempt carried stands in its operator, as in ``diff+advice 2``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from archive.records import Attempt, NoteKind
from evolve.llm.model import Message
from evolve.llm.notebook import Page, Pages, Subject
from evolve.prompting.advice import ADVICE_CHARS, Tried, build_advice
from evolve.search.request import MutationRequest, asked_operator

NEWEST_KEPT = 2  # tried whatever they did so far
BEST_KEPT = 2  # of the older ones
_MARK = "+advice "


@dataclass(frozen=True, slots=True)
class Advice:
    """One way to ask."""

    number: int  # the index of the attempt that wrote it; 0: none
    text: str

    def labelled(self, operator: str) -> str:
        """The operator of an attempt that carried it."""
        return f"{operator}{_MARK}{self.number}" if self.number else operator


class Advisor:
    """The advice of one run. A `Notebook`."""

    def __init__(self, subject: Subject, every: int) -> None:
        """`every` counts tells between two pieces of advice; with 0 there is never any."""
        self._subject = subject
        self._stages = subject.stages
        self._enabled = every > 0
        self._pages = Pages(subject, NoteKind.ADVICE, every)
        self._endings: list[tuple[int, bool]] = []  # in the order told: advice carried, whether the child was better

    def question(self, request: MutationRequest) -> tuple[Message, ...] | None:
        """What to ask before this attempt's own question; None for most attempts."""
        if not self._pages.due(request):
            return None
        return build_advice(self._subject.task, self.tried(request))

    def write(self, text: str, request: MutationRequest) -> None:
        """Keep a new piece of advice."""
        self._pages.write(text.strip()[:ADVICE_CHARS], request)

    def chosen(self, request: MutationRequest, rng: np.random.Generator) -> Advice:
        """What the prompt of this attempt carries; `rng` is not drawn from while there is one choice."""
        tried = self.tried(request) if self._enabled else []
        if len(tried) < 2:
            return Advice(0, "")
        rivals = kept(tried)
        draws = [rng.beta(1 + one.improved, 1 + one.attempts - one.improved) for one in rivals]
        winner = rivals[int(np.argmax(draws))]
        return Advice(winner.number, winner.text)

    def tried(self, request: MutationRequest) -> list[Tried]:
        """No advice, then each piece by age, with what came of it before this ask."""
        self._read_endings(request.num_tells)
        pieces = [Page(0, ""), *self._pages.readable(request)]
        tried = {piece.number: Tried(number=piece.number, text=piece.text) for piece in pieces}
        for number, improved in self._endings[: request.num_tells]:
            if number in tried:
                one = tried[number]
                tried[number] = replace(one, attempts=one.attempts + 1, improved=one.improved + improved)
        return list(tried.values())

    def _read_endings(self, num_tells: int) -> None:
        if len(self._endings) < num_tells:
            fresh = self._subject.archive.attempts_told(self._subject.run_id, first=len(self._endings))
            self._endings += [self._ending(attempt) for attempt in fresh]

    def _ending(self, attempt: Attempt) -> tuple[int, bool]:
        gain = self._stages.gain(attempt.candidate_id or "", attempt.parent_id) if not attempt.rejection else None
        carried = attempt.operator.removeprefix(asked_operator(attempt.operator) + _MARK)
        return int(carried) if carried.isdigit() else 0, gain is not None and gain > 0


def kept(tried: Sequence[Tried]) -> list[Tried]:
    """What is still worth a try: no advice, the newest pieces, and the best of the others."""
    plain, *advised = tried
    older, newest = advised[:-NEWEST_KEPT], advised[-NEWEST_KEPT:]
    best = sorted(older, key=lambda one: -(1 + one.improved) / (2 + one.attempts))[:BEST_KEPT]
    return [plain, *sorted(best, key=lambda one: one.number), *newest]
