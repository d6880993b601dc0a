"""A program's fingerprint: hashes of runs of its tokens, chosen so that programs that share code share hashes.

Winnowing: of every `WINDOW` consecutive hashes the smallest is kept, the rightmost of equal ones, so any shared run of
`GRAM + WINDOW - 1` tokens leaves a shared hash whatever stands around it. Source: S. Schleimer, D. Wilkerson, A. Aiken,
"Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003, figure 5; the rolling hash is R. Karp's and
M. Rabin's, as there.
"""

from __future__ import annotations

import hashlib
import keyword
import re
from collections import deque
from collections.abc import Collection, Sequence
from functools import lru_cache

GRAM = 8  # tokens that are hashed together
WINDOW = 8  # hashes of which one is kept
MAX_SHINGLES = 512  # of one program: the smallest, so that two programs keep the same ones
_PRIME = (1 << 61) - 1
_BASE = 0x0B5F_A3D1_57C2_9E61
_WEIGHT_OF_LEAVING = pow(_BASE, GRAM, _PRIME)
# Our own, faster than `tokenize` and the same under every Python; where it errs, it errs alike for all programs.
_TOKEN = re.compile(
    r"""(?P<gap> \#[^\n]* | \\\n | \s+ )
      | (?P<string> (?:[rRbBuUfF]{1,2}(?=["']))? (?:
            "{3} [^"\\]* (?: (?:\\. | "(?!"")) [^"\\]* )* "{3}
          | '{3} [^'\\]* (?: (?:\\. | '(?!'')) [^'\\]* )* '{3}
          | " [^"\\\n]* (?:\\. [^"\\\n]*)* "
          | ' [^'\\\n]* (?:\\. [^'\\\n]*)* ' ) )
      | (?P<number> \.?[0-9] (?: [eE][+-] | [\w.] )* )
      | (?P<name> \w+ )
      | (?P<sign> \*\*=? | //=? | >>=? | <<=? | [-+*/%&|^@=!<>:]= | -> | \.\.\. | . )""",
    re.VERBOSE | re.DOTALL,
)


def shingles(source: str) -> tuple[int, ...]:
    """At most `MAX_SHINGLES` hashes in rising order, each in ``[0, 2**61)``; none for fewer than `GRAM` tokens.

    Names, numbers and strings count as one token each whatever they say, so renaming changes nothing; layout and
    comments do not count.
    """
    return fingerprint(anonymous_tokens(source))


def fingerprint(tokens: Sequence[str]) -> tuple[int, ...]:
    """`shingles` of a program by its `anonymous_tokens`; those of its parts may simply be joined."""
    return tuple(sorted(set(winnowed(gram_hashes(tokens))))[:MAX_SHINGLES])


def anonymous_tokens(source: str) -> list[str]:
    """The tokens of `source`: keywords and signs as they are, a letter for every name, number and string."""
    return [_anonymous(token) for token in _TOKEN.finditer(source) if token.lastgroup != "gap"]


def gram_hashes(tokens: Sequence[str]) -> list[int]:
    """The hash of each run of `GRAM` tokens."""
    numbers = [_number(token) for token in tokens]
    value, hashes = 0, []
    for place, number in enumerate(numbers):
        leaving = numbers[place - GRAM] if place >= GRAM else 0
        value = (value * _BASE + number - leaving * _WEIGHT_OF_LEAVING) % _PRIME
        hashes.append(value)
    return hashes[GRAM - 1 :]


def winnowed(hashes: Sequence[int]) -> list[int]:
    """The minima of all windows, each as often as its place is a new one; fewer hashes than a window are one window."""
    rising: deque[tuple[int, int]] = deque()  # (hash, place) that may still be the minimum of a window to come
    chosen: list[int] = []
    last = -1
    for place, value in enumerate(hashes):
        while rising and rising[-1][0] >= value:
            rising.pop()
        rising.append((value, place))
        if rising[0][1] <= place - WINDOW:
            rising.popleft()
        if place >= min(WINDOW, len(hashes)) - 1 and rising[0][1] != last:
            last = rising[0][1]
            chosen.append(rising[0][0])
    return chosen


def resemblance(one: Collection[int], other: Collection[int]) -> float:
    """Shared shingles over all shingles of two programs, in [0, 1]; two programs without any are alike."""
    union = set(one) | set(other)
    return len(set(one) & set(other)) / len(union) if union else 1.0


def _anonymous(token: re.Match[str]) -> str:
    match token.lastgroup:
        case "name":
            return token[0] if keyword.iskeyword(token[0]) else "n"
        case "sign":
            return token[0]
        case "number":
            return "0"
        case _:
            return "s"


@lru_cache(maxsize=1024)
def _number(token: str) -> int:
    return int.from_bytes(hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=8).digest(), "big") % _PRIME
