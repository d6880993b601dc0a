"""Ten kinds of text: six languages over one alphabet, arithmetic, brackets, records and indented code.

The languages share their letters, so that a byte alone does not tell the domain; words and their order do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate

from evaluators.balancing.moe_loss.stream import Stream

NUM_LANGUAGES = 6
DOMAINS = (*(f"language{i}" for i in range(NUM_LANGUAGES)), "arithmetic", "brackets", "records", "code")
VOCABULARY = 128  # ASCII

_WORDS = 120
_SUCCESSORS = 6
_ZIPF = tuple(accumulate(round(840 / (rank + 1)) for rank in range(_SUCCESSORS)))
_CONSONANTS, _VOWELS = "bcdfghklmnprstvz", "aeiou"
_NAMES = ("item", "count", "total", "left", "right", "value", "index", "step")
_KEYS = ("id", "name", "size", "tags", "owner", "state")
_STATES = ("open", "done", "lost", "new")
_OPENING, _CLOSING = "([{<", ")]}>"
_DEEPEST = 12


def domain_text(domain: str, seed: int, part: int, num_bytes: int) -> bytes:
    """The first `num_bytes` of a domain's text.

    Args:
        domain: One of `DOMAINS`.
        seed: Of the corpus; it makes the words of the languages.
        part: Texts of different parts are independent of each other, and share the words.
        num_bytes: How much text; a shorter text is a prefix of a longer one.
    """
    number = DOMAINS.index(domain)
    draws = Stream((seed, part, number))
    language = number < NUM_LANGUAGES
    pieces = _language(Stream((seed, number)), draws) if language else _FORMAL[domain](draws)
    text = bytearray()
    while len(text) < num_bytes:
        text += next(pieces).encode("ascii")
    return bytes(text[:num_bytes])


def _language(making: Stream, draws: Stream) -> Iterator[str]:
    """Words by a bigram walk: each word has six successors with Zipf weights."""
    words = [_word(making) for _ in range(_WORDS)]
    successors = [[making.below(_WORDS) for _ in range(_SUCCESSORS)] for _ in range(_WORDS)]
    current = draws.below(_WORDS)
    while True:
        yield words[current] + (" " if draws.below(12) else ". ")
        current = successors[current][draws.weighted(_ZIPF)]


def _word(making: Stream) -> str:
    syllables = 1 + making.below(3)
    letters = [_CONSONANTS[making.below(16)] + _VOWELS[making.below(5)] for _ in range(syllables)]
    return "".join(letters) + (_CONSONANTS[making.below(16)] if making.below(2) else "")


def _arithmetic(draws: Stream) -> Iterator[str]:
    while True:
        a, b = draws.below(100), draws.below(100)
        match draws.below(3):
            case 0:
                yield f"{a}+{b}={a + b};"
            case 1:
                yield f"{a}-{b}={a - b};"
            case _:
                yield f"{a % 10}*{b}={a % 10 * b};"


def _brackets(draws: Stream) -> Iterator[str]:
    """Nested brackets of four kinds, each closed by its own."""
    pending: list[str] = []
    while True:
        if pending and (len(pending) > _DEEPEST or draws.below(2)):
            yield pending.pop()
        else:
            kind = draws.below(4)
            pending.append(_CLOSING[kind])
            yield _OPENING[kind]


def _records(draws: Stream) -> Iterator[str]:
    while True:
        number, size = draws.below(1000), draws.below(64)
        name, state = _NAMES[draws.below(8)], _STATES[draws.below(4)]
        key = _KEYS[draws.below(6)]
        yield f'{{"id": {number}, "{key}": "{name}", "size": {size}, "state": "{state}"}}\n'


def _code(draws: Stream) -> Iterator[str]:
    """Lines that are indented after a colon and step back at random."""
    depth = 0
    while True:
        name, other = _NAMES[draws.below(8)], _NAMES[draws.below(8)]
        match draws.below(4):
            case 0 if depth < 3:
                yield f"{'    ' * depth}for {name} in {other}:\n"
                depth += 1
                continue
            case 1 if depth < 3:
                yield f"{'    ' * depth}if {name} > {draws.below(10)}:\n"
                depth += 1
                continue
            case 2:
                yield f"{'    ' * depth}return {name}\n"
            case _:
                yield f"{'    ' * depth}{name} = {other} + {draws.below(10)}\n"
        depth -= draws.below(2) if depth else 0


_FORMAL: dict[str, Callable[[Stream], Iterator[str]]] = {
    "arithmetic": _arithmetic,
    "brackets": _brackets,
    "records": _records,
    "code": _code,
}
