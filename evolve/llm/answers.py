"""What servers send, read without trust: Chat Completions, Responses and error bodies. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from evolve.errors import EvolveError
from evolve.llm.model import Finish, Message

MAX_TOKENS_REPORTED = 10_000_000  # a larger count is not believed
MAX_EMBEDDING_NUMBERS = 65_536
LARGEST_FLOAT32 = 3.4e38
_CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens"})
_FILTERED = frozenset({"content_filter", "refusal", "safety"})


class AnswerError(EvolveError, ValueError):
    """A body that is not what the protocol promises; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One reply; a token count is None where the server gave none that can be believed."""

    text: str  # without the model's leading thoughts
    finish: Finish
    prompt_tokens: int | None
    reply_tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What an error body says."""

    message: str  # one line, at most 300 characters
    code: str = ""
    parameter: str = ""  # the one that is at fault


def read_chat(body: bytes) -> Answer:
    """The first choice of a Chat Completions reply.

    Raises:
        AnswerError: `body` is not such a reply.
    """
    reply = _parsed(body)
    message = _at(reply, "choices", 0, "message")
    if not isinstance(message, dict):
        raise AnswerError(_complaint(body, "choices[0].message"))
    text = without_thoughts(_joined(_at(message, "content")))
    reported = "refusal" if not text and _at(message, "refusal") else _word(_at(reply, "choices", 0, "finish_reason"))
    return Answer(
        text=text,
        finish=_finish(text, reported),
        prompt_tokens=_count(_at(reply, "usage", "prompt_tokens")),
        reply_tokens=_count(_at(reply, "usage", "completion_tokens")),
    )


def read_response(body: bytes) -> Answer:
    """The messages of a Responses reply; reasoning items are not part of the text.

    Raises:
        AnswerError: `body` is not such a reply.
    """
    reply = _parsed(body)
    output = _at(reply, "output")
    if not isinstance(output, list):
        raise AnswerError(_complaint(body, "output"))
    contents = [_at(item, "content") for item in output if _at(item, "type") == "message"]
    text = without_thoughts("".join(map(_joined, contents)))
    refused = any(
        _at(part, "type") == "refusal" for content in contents if isinstance(content, list) for part in content
    )
    reported = "refusal" if refused and not text else _word(_at(reply, "incomplete_details", "reason"))
    return Answer(
        text=text,
        finish=_finish(text, reported),
        prompt_tokens=_count(_at(reply, "usage", "input_tokens")),
        reply_tokens=_count(_at(reply, "usage", "output_tokens")),
    )


def read_embedding(body: bytes) -> tuple[float, ...]:
    """The numbers of the first embedding, each of them a finite float32.

    Raises:
        AnswerError: `body` is no such reply.
    """
    numbers = _at(_parsed(body), "data", 0, "embedding")
    if not isinstance(numbers, list) or not 0 < len(numbers) <= MAX_EMBEDDING_NUMBERS:
        raise AnswerError(_complaint(body, "data[0].embedding"))
    if not all(isinstance(number, int | float) and abs(number) < LARGEST_FLOAT32 for number in numbers):
        raise AnswerError(_complaint(body, "finite numbers in data[0].embedding"))
    return tuple(float(number) for number in numbers)


def read_problem(body: bytes) -> Problem:
    """What an error body says, in whichever of the usual shapes; of any other, how it begins."""
    try:
        reply: object = json.loads(body)
    except (ValueError, RecursionError):
        reply = None
    for place in (_at(reply, "error"), reply):
        message = _at(place, "message") or _at(place, "detail") or (place if isinstance(place, str) else None)
        if message is not None:
            text = message if isinstance(message, str) else json.dumps(message)
            code, parameter = _word(_at(place, "code")), _word(_at(place, "param"))
            return Problem(message=one_line(text), code=code[:80], parameter=parameter[:80])
    return Problem(message=one_line(body[:2000].decode("utf-8", "replace")))


def without_thoughts(text: str) -> str:
    """`text` after a leading ``<think>...</think>``.

    Some chat templates put the opening tag into the prompt, so the reply may hold the closing one alone. Thoughts that
    never end leave nothing.
    """
    opened = text.lstrip().startswith("<think>")
    thoughts, closed, rest = text.partition("</think>")
    if closed and (opened or "<think>" not in thoughts):
        return rest.lstrip()
    return "" if opened else text


def estimated_tokens(text: str) -> int:
    """Tokens of a text whose server does not count them: a third of its UTF-8 bytes, rounded up.

    English and code have about four bytes per token in current vocabularies, so this errs upwards.
    """
    return -(-len(text.encode()) // 3)


def token_bound(messages: tuple[Message, ...]) -> int:
    """More tokens than a prompt can have.

    Byte-level vocabularies have no token shorter than a byte. The margins are for the chat template, which adds a few
    marks per message and, in some models, a preamble of its own.
    """
    return 256 + sum(16 + len(message.text.encode("utf-8", "replace")) for message in messages)


def one_line(text: str, max_chars: int = 300) -> str:
    """`text` as one line of printable characters, shortened."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * max_chars]).split())
    return line if len(line) <= max_chars else line[: max_chars - 3] + "..."


def _parsed(body: bytes) -> object:
    try:
        reply: object = json.loads(body)
    except RecursionError:
        raise AnswerError("the answer is JSON that is nested too deeply") from None
    except ValueError:
        raise AnswerError(_complaint(body, "JSON")) from None
    if _at(reply, "error"):
        raise AnswerError(f"the server reports: {read_problem(body).message}")
    return reply


def _complaint(body: bytes, expected: str) -> str:
    found = one_line(body[:400].decode("utf-8", "replace"), 100)
    return f"expected {expected} in the answer, found {len(body)} bytes: {found!r}"


def _finish(text: str, reported: str) -> Finish:
    if reported in _CUT_OFF:
        return Finish.LENGTH
    if reported in _FILTERED:
        return Finish.CONTENT_FILTER
    return Finish.STOP if text.strip() else Finish.EMPTY


def _at(value: object, *path: str | int) -> object:
    """What is found along `path` of a JSON value; None where there is nothing."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _joined(content: object) -> str:
    """The text of a message: a string, or the text parts of a list."""
    parts = content if isinstance(content, list) else [content]
    return "".join(_storable(text) for text in _texts(parts))


def _texts(parts: list[object]) -> Iterator[str]:
    for part in parts:
        text = part if isinstance(part, str) else _at(part, "text")
        if isinstance(text, str):
            yield text


def _storable(text: str) -> str:
    """`text` without lone surrogates and NUL, which no database takes as text."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _word(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS_REPORTED
    return value if is_count and isinstance(value, int) else None
