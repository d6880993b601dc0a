"""One answer that was told from outside, in the place of a model's, and nobody to ask beyond it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from archive.records import OUTSIDE, ModelReply
from archive.store import Archive
from evolve.errors import RunError
from evolve.interface import shortcoming
from evolve.llm.caller import Answered, GaveUp, Question
from evolve.llm.model import Completion, Finish
from evolve.llm.transcript import prompt_text
from evolve.parsing.client import Parser
from evolve.patch import apply_reply
from evolve.prompting import PromptBrief
from evolve.proposer import Proposal
from evolve.search.request import MutationRequest, SearchError


class Outsider:
    """Answers one question with a text that is there already, and has nothing more to say."""

    exhausted = "one reply was told"

    def __init__(self, archive: Archive, run_id: str, reply: str) -> None:
        self._archive = archive
        self._run_id = run_id
        self._reply = reply

    async def ask(self, question: Question, rng: np.random.Generator) -> Answered | GaveUp:
        """The reply, stored like any model's; it cost nothing here.

        It stands in place of one that an earlier `tell` stored and was killed over.
        """
        del rng
        rows = self._archive.replies(self._run_id, question.attempt_index)
        earlier = [row for row in rows if row.model == OUTSIDE]
        if not earlier or earlier[-1].reply != self._reply:
            prompt = earlier[0].prompt if earlier else prompt_text(question.messages)  # tries of one question
            self._archive.add_reply(self._row(question.attempt_index, len(rows), prompt))
        completion = Completion(text=self._reply, finish=Finish.STOP, prompt_tokens=0, reply_tokens=0, latency_s=0.0)
        return Answered(completion, len(rows) + 1, 0.0)

    def replies(self, run_id: str, attempt_index: int) -> list[ModelReply]:  # noqa: ARG002 - the Protocol's
        """None that counts: what is told now is the answer."""
        return []

    def _row(self, attempt_index: int, ordinal: int, prompt: str) -> ModelReply:
        return ModelReply(
            run_id=self._run_id,
            attempt_index=attempt_index,
            ordinal=ordinal,
            model=OUTSIDE,
            prompt=prompt,
            reply=self._reply,
            finish_reason=Finish.STOP,
            prompt_tokens=0,
            reply_tokens=0,
            price_usd=0.0,
            latency_s=0.0,
        )


class Nobody:
    """A proposer where attempts that have their answer are carried to their end, and no other is begun."""

    name = OUTSIDE
    concurrent = True
    exhausted = "answers come from outside"

    async def propose(self, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator) -> Proposal:  # noqa: ARG002 - the Protocol's
        """Never.

        Raises:
            SearchError: Always.
        """
        raise SearchError(f"attempt {request.index} waits for an answer from outside")


async def require_program(brief: PromptBrief, reply: str, parser: Parser) -> None:
    """That a reply can be applied and parses, before the attempt is spent on it.

    Raises:
        PatchError: It cannot be applied.
        RunError: It gives no such program as the task needs.
    """
    patched = apply_reply(brief.subject, reply, brief.form)
    verdict = await parser.parse(patched.source)
    problem = shortcoming(brief.task, patched.source, verdict)
    if problem:
        raise RunError(f"{problem}; nothing was scored, tell this attempt again")


def require_same_answer(archive: Archive, run_id: str, index: int, reply: str) -> None:
    """That a reply is the one that the attempt has already, where it only lacks its score.

    Raises:
        RunError: It is another one.
    """
    told = [row.reply for row in archive.replies(run_id, index) if row.model == OUTSIDE]
    if told and told[-1] != reply:
        raise RunError(
            f"attempt {index} of run {run_id} has another answer already, and is not scored yet: tell that one again, "
            f"or have it scored with `evolve resume {run_id}`"
        )
