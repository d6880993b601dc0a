"""A model that answers from a script, a clock that stands still, a ledger in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from archive.records import ModelReply
from evolve.llm.model import Completion, Finish, Message, ModelCall, ModelFailure, ModelSpec

PROMPT = (Message("system", "Improve the program."), Message("user", "Here it is."))
Answer = Completion | ModelFailure | Callable[[], Awaitable[Completion]]


def a_completion(finish: Finish = Finish.STOP, text: str = "CHANGE: x") -> Completion:
    return Completion(text=text, finish=finish, prompt_tokens=100, reply_tokens=50, latency_s=0.5)


def a_failure(finish: Finish, *, retry_after_s: float | None = None, permanent: bool = False) -> ModelFailure:
    return ModelFailure(
        finish,
        "as scripted",
        latency_s=0.1,
        retry_after_s=retry_after_s,
        permanent=permanent,
        perhaps_paid=finish is Finish.TIMEOUT,
    )


class ScriptedModel:
    """Gives the answers of a script, then the last of them for ever."""

    def __init__(self, *script: Answer, spec: ModelSpec | None = None) -> None:
        self.spec = spec or ModelSpec(name="m", base_url="http://127.0.0.1:1/v1")
        self.calls: list[ModelCall] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._script: Sequence[Answer] = script

    async def complete(self, call: ModelCall) -> Completion:
        answer = self._script[min(len(self.calls), len(self._script) - 1)]
        self.calls.append(call)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            for _ in range(3):
                await asyncio.sleep(0)
            if isinstance(answer, ModelFailure):
                raise answer
            return answer if isinstance(answer, Completion) else await answer()
        finally:
            self.in_flight -= 1


class StillClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.sleeps_s: list[float] = []

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.sleeps_s.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)


class MemoryLedger:
    """Rows in a list."""

    def __init__(self) -> None:
        self.rows: list[ModelReply] = []

    def add_reply(self, reply: ModelReply) -> None:
        self.rows.append(reply)


async def never() -> Completion:
    """An answer that does not come."""
    await asyncio.Event().wait()
    raise AssertionError("waited for ever, and it ended")
