"""The seam to language models: messages in, text out, each failure named. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from evolve.errors import EvolveError


class Api(StrEnum):
    """Which of the two protocols of OpenAI-compatible servers is spoken."""

    CHAT = "chat"  # Chat Completions: every server
    RESPONSES = "responses"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model as the user named it: where it is, how it is called, what a call may take."""

    name: str  # as the server knows it, and as the archive and the price table do
    base_url: str = ""  # "": the openai package's default
    api: Api = Api.CHAT
    key_variable: str = "OPENAI_API_KEY"  # of the environment; the key itself is held by the client alone
    temperatures: tuple[float, ...] = ()  # one is drawn per call; empty: the server's own
    reasoning_effort: str = ""  # "": not sent
    max_tokens: int = 8192  # of the reply, reasoning included
    concurrency: int = 8  # calls in flight
    try_timeout_s: float = 180.0


@dataclass(frozen=True, slots=True)
class Message:
    """One part of a prompt."""

    role: str  # "system" | "user" | "assistant"
    text: str


class Finish(StrEnum):
    """How a call ended: the first is a usable reply, the next three were answered, perhaps paid, the rest failed."""

    STOP = "stop"
    LENGTH = "length"  # the reply was cut off
    CONTENT_FILTER = "content_filter"
    EMPTY = "empty"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"  # 429
    SERVER_ERROR = "server_error"  # 5xx, or an answer that is not in the protocol
    CONNECTION = "connection"  # broken off
    UNREACHABLE = "unreachable"  # nobody took the call: nothing was asked, nothing can be billed
    OVERSIZED = "oversized"  # more bytes than anybody asked for
    REFUSED = "refused"  # any other 4xx: key, model name, request; trying again does not help
    ADAPTED = "adapted"  # the server does not take a parameter; the model leaves it out from the next try on


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One try."""

    messages: tuple[Message, ...]
    temperature: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a server answered."""

    text: str
    finish: Finish  # STOP, LENGTH, CONTENT_FILTER or EMPTY
    prompt_tokens: int
    reply_tokens: int  # reasoning included
    latency_s: float


class ModelFailure(EvolveError):  # noqa: N818 - the model's, not ours
    """A try without an answer."""

    def __init__(
        self,
        finish: Finish,
        detail: str,
        *,
        latency_s: float,
        retry_after_s: float | None = None,
        permanent: bool = False,
        perhaps_paid: bool = False,
    ) -> None:
        super().__init__(f"{finish}: {detail}")
        self.finish = finish
        self.detail = detail  # one line without secrets
        self.latency_s = latency_s
        self.retry_after_s = retry_after_s  # as the server asked
        self.permanent = permanent  # about the key, the account or the model's name: no prompt will fare better
        self.perhaps_paid = perhaps_paid  # the model may have worked on it, and its provider may bill that


class LanguageModel(Protocol):
    """One model."""

    @property
    def spec(self) -> ModelSpec:
        """What it was made from."""

    async def complete(self, call: ModelCall) -> Completion:
        """One try, bounded by `spec.try_timeout_s`; no retries, no memory.

        Raises:
            ModelFailure: There is no answer.
        """
