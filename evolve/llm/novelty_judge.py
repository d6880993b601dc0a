"""A model as judge: whether a program that is near a known one differs from it in an idea.

The call is a row of the attempt whose program is judged, behind those that asked for the program: paid from the same
purse, found again by a resumed run and by a replay. Whatever goes wrong with the judge, a program is never rejected for
it.
"""

from __future__ import annotations

import numpy as np

from archive.records import ModelReply
from evaluators.contract import Task
from evolve.llm.caller import Answered, Question
from evolve.llm.model import ModelSpec
from evolve.llm.proposer import Asker, ReplyStore
from evolve.llm.retrying import RetryPolicy
from evolve.llm.transcript import prompt_text, stored_completion
from evolve.prompting.novelty import Judgement, build_novelty, can_be_judged, read_novelty

PATIENCE = RetryPolicy(max_tries=2, deadline_s=120.0)  # with a judge of its own: attempts wait behind it


class NoveltyJudge:
    """Asks one model about pairs of programs. What is in the archive already is read, not bought again."""

    def __init__(self, run_id: str, spec: ModelSpec, task: Task, asker: Asker, replies: ReplyStore) -> None:
        self._run_id = run_id
        self._spec = spec
        self._task = task
        self._asker = asker
        self._replies = replies

    async def judge(self, attempt_index: int, known: str, new: str, rng: np.random.Generator) -> Judgement:
        """Whether the program `new` of this attempt differs from `known`, as far as the judge can be brought to say.

        Args:
            rng: Decides how long to wait between tries, and nothing else.
        """
        if not can_be_judged(known, new):
            return Judgement(None, "a program is too long to be shown whole")
        messages = build_novelty(self._task, known, new)
        rows = self._replies.replies(self._run_id, attempt_index)
        text = _answered_before(rows, prompt_text(messages))
        if text is None:
            question = Question(
                attempt_index=attempt_index,
                model=self._spec.name,
                messages=messages,
                temperature=min(self._spec.temperatures, default=None),
                first_ordinal=len(rows),
            )
            answer = await self._asker.ask(question, rng)
            if not isinstance(answer, Answered):  # why is in the rows: a reason given here would differ in a replay
                return Judgement(None, "no answer")
            text = answer.completion.text
        return read_novelty(text)


def _answered_before(rows: list[ModelReply], prompt: str) -> str | None:
    """The answer that an earlier session bought to the same question."""
    answers = [stored_completion(row) for row in rows if row.prompt == prompt]
    return next((answer.text for answer in answers if answer is not None), None)
