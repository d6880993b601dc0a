"""The queue before one model: its slots, and whether there is any use in asking on."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

from evolve.llm.model import Completion, Finish, LanguageModel, ModelFailure
from evolve.llm.retrying import RetryPolicy
from evolve.llm.servers import OPENAI_URL

REFUSALS_TO_BREAK = 3  # calls in a row that a server refuses for good
UNREACHED_TO_BREAK = 12  # calls in a row to a server that never answered

Outcome: TypeAlias = Completion | ModelFailure
"""How a try ended."""


class Line:
    """What a caller keeps of one model."""

    def __init__(self, model: LanguageModel, policy: RetryPolicy) -> None:
        self.model = model
        self.policy = policy
        self.spec = model.spec
        self.broken = ""  # why nothing more is asked, ever
        self.unaffordable = ""  # why the last question was not: the purse had no room
        self.slots = asyncio.Semaphore(self.spec.concurrency)  # the model's calls in flight
        self.answered = False  # whether the server ever did, if only to refuse
        self._refusals = 0  # for good, in a row
        self._unreached = 0

    def note(self, outcome: Outcome) -> None:
        """Learn from a try whether there is any use in asking on; a wait beyond the deadline counts as a refusal."""
        if isinstance(outcome, ModelFailure) and outcome.finish is Finish.UNREACHABLE:
            self._unreached += 1
            if self._unreached >= UNREACHED_TO_BREAK and not self.answered:
                self.lost(f"in {self._unreached} calls in a row, the last with {outcome.detail!r}")
            return
        self.answered = True
        if isinstance(outcome, Completion):
            self._refusals = 0
        elif outcome.permanent or (outcome.retry_after_s or 0.0) > self.policy.deadline_s:
            self._refusals += 1
            if self._refusals >= REFUSALS_TO_BREAK:
                self.broken = (
                    f"model {self.spec.name!r} is not asked any more: {self._refusals} calls in a row were refused, "
                    f"the last with {outcome.detail!r}; check its name, its base_url and {self.spec.key_variable}"
                )

    def lost(self, how_long: str) -> None:
        """Ask no more of a server that cannot be reached; a resumed run tries it again."""
        self.broken = (
            f"model {self.spec.name!r} is not asked any more: nobody answered at {self.spec.base_url or OPENAI_URL} "
            f"{how_long}; check its address and the network, start its server if it is yours, and resume the run"
        )
