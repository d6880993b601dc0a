"""Programs from language models: prompt, answer, patch, parse, and one more question where that failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from archive.records import ModelReply
from evaluators.contract import Task
from evolve.interface import shortcoming
from evolve.llm.advice import Advisor
from evolve.llm.briefing import Desk
from evolve.llm.caller import Answered, GaveUp, Question
from evolve.llm.lessons import Scratchpad
from evolve.llm.model import Message
from evolve.llm.notebook import Notebook
from evolve.llm.transcript import by_question, stored_completion
from evolve.parsing.verdict import Verdict
from evolve.patch import PatchError, apply_reply
from evolve.prompting import PromptBrief, build, build_repair
from evolve.proposer import Proposal
from evolve.search.request import MutationRequest

REPAIR_CALLS = 1  # after a reply that cannot be applied or does not parse


class Asker(Protocol):
    """Answers questions: `evolve.llm.caller.Caller`, or a recording of one."""

    async def ask(self, question: Question, rng: np.random.Generator) -> Answered | GaveUp:
        """A usable reply or the reason why there is none; every try is a row when this returns."""

    @property
    def exhausted(self) -> str:
        """Why nothing more should be asked, in words; empty while it can go on."""


class ReplyStore(Protocol):
    """Where the rows are read back; `archive.Archive` is one."""

    def replies(self, run_id: str, attempt_index: int) -> list[ModelReply]:
        """The model calls of one attempt, in order."""


class ProgramParser(Protocol):
    """Reads programs that nobody trusts; `evolve.parsing.Parser` is one."""

    async def parse(self, source: str) -> Verdict:
        """What a program is."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was made of a reply."""

    source: str | None  # None: it cannot be applied
    change: str
    problem: str  # empty: a program worth a look
    ast_digest: str = ""


class ModelProposer:
    """Asks the model that the request names. What is in the archive already is read, not bought again."""

    name = "openai"
    concurrent = True

    def __init__(
        self,
        run_id: str,
        task: Task,
        desk: Desk,
        asker: Asker,
        replies: ReplyStore,
        parser: ProgramParser,
        scratchpad: Scratchpad | None = None,
        advisor: Advisor | None = None,
    ) -> None:
        """Without a scratchpad and an advisor nothing is asked but for programs."""
        self._run_id = run_id
        self._task = task
        self._desk = desk
        self._asker = asker
        self._replies = replies
        self._parser = parser
        self._scratchpad = scratchpad
        self._advisor = advisor

    @property
    def exhausted(self) -> str:
        """Why no more should be asked."""
        return self._asker.exhausted

    async def propose(self, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator) -> Proposal:
        """The program of the first usable reply, or of the repaired one; else the reason why there is none."""
        conversation = _Conversation(self._run_id, request, self._replies, self._asker, rng)
        (choices,) = rng.spawn(1)  # waits between tries draw from `rng`, and a replay has none
        brief = self._desk.brief(request, sources)
        label: str = request.operator
        if self._scratchpad is not None:
            await _learn(self._scratchpad, request, conversation)
            brief = replace(brief, lessons=self._scratchpad.current(request))
        if self._advisor is not None:
            await _learn(self._advisor, request, conversation)
            advice = self._advisor.chosen(request, choices)
            brief, label = replace(brief, advice=advice.text), advice.labelled(label)
        temperature = self._desk.temperature(request.model, choices)
        messages = build(brief)
        answer = await conversation.next(messages, temperature)
        if isinstance(answer, GaveUp):
            return _nothing(label, answer.reason)
        reading = await self._read(answer.completion.text, brief)
        for _ in range(REPAIR_CALLS):
            if not reading.problem:
                break
            messages = build_repair(brief, answer.completion.text, reading.problem)
            answer = await conversation.next(messages, temperature)
            if isinstance(answer, GaveUp):
                reading = replace(reading, problem=f"{reading.problem} (and no repair: {answer.reason})")
                break
            reading = await self._read(answer.completion.text, brief)
        if reading.source is None:
            return _nothing(label, reading.problem)
        return Proposal(
            source=reading.source,
            operator=label,
            change=reading.change,
            ast_digest=reading.ast_digest,
            rejection=reading.problem,
        )

    async def _read(self, reply: str, brief: PromptBrief) -> _Reading:
        try:
            patched = apply_reply(brief.subject, reply, brief.form)
        except PatchError as error:
            return _Reading(source=None, change="", problem=str(error))
        verdict = await self._parser.parse(patched.source)
        problem = shortcoming(self._task, patched.source, verdict)
        return _Reading(patched.source, patched.change, problem, verdict.ast_digest)


class _Conversation:
    """The questions of one attempt in order: stored replies first, then the asker."""

    def __init__(
        self, run_id: str, request: MutationRequest, replies: ReplyStore, asker: Asker, rng: np.random.Generator
    ) -> None:
        rows = replies.replies(run_id, request.index)
        self._stored = by_question(rows)
        self._next_ordinal = len(rows)
        self._request = request
        self._asker = asker
        self._rng = rng

    async def next(self, messages: tuple[Message, ...], temperature: float | None) -> Answered | GaveUp:
        if self._stored:
            last = self._stored.pop(0)[-1]
            completion = stored_completion(last)
            if completion is not None:
                return Answered(completion, last.ordinal + 1, usd=0.0)
            if self._stored:  # the attempt went on without this answer
                return GaveUp(last.finish_reason, last.ordinal + 1, usd=0.0)
        question = Question(
            attempt_index=self._request.index,
            model=self._request.model,
            messages=messages,
            temperature=temperature,
            first_ordinal=self._next_ordinal,
        )
        answer = await self._asker.ask(question, self._rng)
        self._next_ordinal = answer.next_ordinal
        return answer


async def _learn(notebook: Notebook, request: MutationRequest, conversation: _Conversation) -> None:
    """Have the notebook written if it is due; without an answer it stays as it is."""
    question = notebook.question(request)
    if question is None:
        return
    answer = await conversation.next(question, None)
    if isinstance(answer, Answered):
        notebook.write(answer.completion.text, request)


def _nothing(label: str, reason: str) -> Proposal:
    return Proposal(source=None, operator=label, change=reason)
