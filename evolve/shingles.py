"""A program's fingerprint: hashes of runs of its tokens, chosen so that programs that share code share hashes.

Winnowing: of every `WINDOW` consecutive hashes the smallest is kept, the rightmost of equal ones, so any shared run of
`GRAM + WINDOW - 1` tokens leaves a shared hash whatever stands around it. Source: S. Schleimer, D. Wilkerson, A. Aiken,
"Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003, figure 5.
"""

from __future__ import annotations

import hashlib
import io
import keyword
import tokenize
from collections import deque
from collections.abc import Collection, Iterator, Sequence

GRAM = 8  # tokens that are hashed together
WINDOW = 8  # hashes of which one is kept
MAX_SHINGLES = 512  # of one program: the smallest, so that two programs keep the same ones
_HASH_BITS = 63  # fits a signed SQL integer

_LEFT_OUT = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER})
_LAYOUT = {tokenize.NEWLINE: ";", tokenize.INDENT: "{", tokenize.DEDENT: "}"}


def shingles(source: str) -> tuple[int, ...]:
    """At most `MAX_SHINGLES` hashes in rising order, each in ``[0, 2**63)``; none for fewer than `GRAM` tokens.

    Names, numbers and strings count as one token each whatever they say, so renaming changes nothing. The numbers
    depend on how the running Python cuts source into tokens, so compare those of one Python version.

    Raises:
        SyntaxError: The tokens cannot be told apart (`tokenize.TokenError` included).
    """
    kept = set(winnowed(gram_hashes(list(anonymous_tokens(source)))))
    return tuple(sorted(kept)[:MAX_SHINGLES])


def anonymous_tokens(source: str) -> Iterator[str]:
    """The tokens of `source`: keywords and signs as they are, a letter for every name, number and string.

    Raises:
        SyntaxError: See `shingles`.
    """
    try:
        for kind, text, *_ in tokenize.generate_tokens(io.StringIO(source).readline):
            if kind == tokenize.NAME:
                yield text if keyword.iskeyword(text) else "n"
            elif kind == tokenize.NUMBER:
                yield "0"
            elif kind == tokenize.OP:
                yield text
            elif kind not in _LEFT_OUT:
                yield _LAYOUT.get(kind, "s")
    except tokenize.TokenError as error:
        raise SyntaxError(str(error.args[0])) from error


def gram_hashes(tokens: Sequence[str]) -> list[int]:
    """The hash of each run of `GRAM` tokens."""
    return [_hash(tokens[place : place + GRAM]) for place in range(len(tokens) - GRAM + 1)]


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


def _hash(tokens: Sequence[str]) -> int:
    digest = hashlib.blake2b(" ".join(tokens).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - _HASH_BITS)
