"""A model call as the archive keeps it: the prompt as text and back, and the answer of a stored row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby

from archive.records import ModelReply
from evaluators.contract import ContractError
from evaluators.jsonable import from_json
from evolve.errors import EvolveError
from evolve.llm.model import Completion, Finish, Message


class TranscriptError(EvolveError, ValueError):
    """A stored prompt that is not one."""


def prompt_text(messages: tuple[Message, ...]) -> str:
    """`messages` as one JSON line, ``[{"role": ..., "text": ...}, ...]``."""
    return json.dumps([{"role": message.role, "text": message.text} for message in messages], ensure_ascii=False)


def prompt_messages(text: str) -> tuple[Message, ...]:
    """The messages that `prompt_text` made `text` from.

    Raises:
        TranscriptError: It made it from none.
    """
    try:
        return tuple(from_json(Message, item) for item in json.loads(text))
    except (ValueError, TypeError, ContractError) as error:
        raise TranscriptError(f"expected the messages of a prompt as a JSON list: {error}") from error


def by_question(rows: Sequence[ModelReply]) -> list[list[ModelReply]]:
    """The rows of one attempt, a list for each question it asked: the tries of one have the same prompt."""
    return [list(tries) for _, tries in groupby(rows, key=lambda row: row.prompt)]


def stored_completion(reply: ModelReply) -> Completion | None:
    """The usable answer of a row; None if that try brought none."""
    if reply.finish_reason != Finish.STOP:
        return None
    return Completion(
        text=reply.reply,
        finish=Finish.STOP,
        prompt_tokens=reply.prompt_tokens,
        reply_tokens=reply.reply_tokens,
        latency_s=reply.latency_s,
    )
