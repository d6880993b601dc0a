"""What the stand-in answers: a genetic edit of the parent it finds in the prompt, in the form the prompt asks for.

The parent is the last fenced block of the prompt with EVOLVE-BLOCK markers whose info string begins with ``python
parent``; if there is none, the last fenced ``python`` block with markers. A prompt that mentions ``<<<<<<< SEARCH``
before the parent asks for SEARCH/REPLACE blocks, any other for a full program. One that asks whether two programs are
the same gets a verdict, drawn by lot.
"""

from __future__ import annotations

import re
import zlib

import numpy as np

from evolve.blocks import find_blocks
from evolve.genetic import NoChild, propose
from evolve.search.request import Member, MutationRequest, Operator

_FENCE = re.compile(r"^(`{3,})(python[^\n`]*)\n(.*?)^\1`*[ \t]*$", re.MULTILINE | re.DOTALL)
_USELESS = (
    "CHANGE: think again\n\nThe program looks good to me. Larger windows may help; I would try several.",
    "I'm sorry, but I need more information about your cluster before I can suggest a change.",
)


def answer(prompt: str, quality: float, seed: int, repeat: int = 0) -> str:
    """A reply to `prompt`; a pure function of its arguments.

    Args:
        quality: Probability of a real edit; otherwise the reply is broken, changes nothing, or is mere talk.
        repeat: How often the same prompt was answered before; another number gives another answer.
    """
    rng = np.random.default_rng([seed, zlib.crc32(prompt.encode("utf-8", "replace")), repeat])
    if "SAME: the reason" in prompt:
        return _verdict(quality, rng)
    parent = parent_of(prompt)
    if parent is None:
        return _USELESS[1]
    as_edits = "<<<<<<< SEARCH" in prompt.partition("python parent")[0]
    if rng.random() >= quality:
        return _poor(parent, as_edits, rng)
    child = genetic_child(parent, rng)
    return _USELESS[0] if child is None else _reply(parent, child, as_edits, "CHANGE: a genetic edit")


def _verdict(quality: float, rng: np.random.Generator) -> str:
    if rng.random() >= quality:
        return "Both programs look good to me."
    return "SAME: as drawn by lot" if rng.random() < 0.5 else "DIFFERENT: as drawn by lot"


def parent_of(prompt: str) -> str | None:
    """The program to change."""
    blocks = [(block[2], block[3]) for block in _FENCE.finditer(prompt) if "EVOLVE-BLOCK-START" in block[3]]
    shown = [source for info, source in blocks if info.startswith("python parent")]
    others = [source for _, source in blocks]
    return (shown or others)[-1] if blocks else None


def genetic_child(parent: str, rng: np.random.Generator) -> str | None:
    """A child that the genetic operators make; None if they find none."""
    member = Member(candidate_id="parent", score=0.0, instance_scores=(), attempt_index=None, parent_id=None)
    request = MutationRequest(index=0, island=0, operator=Operator.MUTATE, parent=member, inspirations=(), num_tells=0)
    child = propose(request, parent, (), rng, _is_known)
    return None if isinstance(child, NoChild) else child.source


def _is_known(digest: str) -> bool:
    """Whether a program was tried before: the server remembers none."""
    del digest
    return False


def search_replace(parent: str, child: str) -> str:
    """`child` as SEARCH/REPLACE blocks against `parent`, one for each EVOLVE-BLOCK that differs.

    Each SEARCH is the shortest run of lines around all changes of its block that occurs once in the parent's bodies.
    """
    old_bodies = [block.body(parent) for block in find_blocks(parent)]
    new_bodies = [block.body(child) for block in find_blocks(child)]
    everything = "".join(old_bodies)
    edits = [
        _edit(old.splitlines(keepends=True), new.splitlines(keepends=True), everything)
        for old, new in zip(old_bodies, new_bodies, strict=True)
        if old != new
    ]
    return "\n".join(edits)


def _edit(old: list[str], new: list[str], everything: str) -> str:
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    while (head or tail) and everything.count("".join(old[head : len(old) - tail])) != 1:
        head, tail = max(head - 1, 0), max(tail - 1, 0)
    search, replacement = "".join(old[head : len(old) - tail]), "".join(new[head : len(new) - tail])
    return f"<<<<<<< SEARCH\n{search}=======\n{replacement}>>>>>>> REPLACE\n"


def _common(one: list[str], other: list[str]) -> int:
    """How many lines the two begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _poor(parent: str, as_edits: bool, rng: np.random.Generator) -> str:
    kind = int(rng.integers(3))
    if kind == 0:
        return _USELESS[int(rng.integers(len(_USELESS)))]
    if kind == 1:
        return _reply(parent, parent, as_edits, "CHANGE: nothing")
    block = find_blocks(parent)[-1]
    broken = parent[: block.end] + "    if every( is better:\n" + parent[block.end :]
    return _reply(parent, broken, as_edits, "CHANGE: a syntax error")


def _reply(parent: str, child: str, as_edits: bool, change: str) -> str:
    if not as_edits:
        return f"{change}\n\n```python\n{child}```\n"
    edits = search_replace(parent, child) if child != parent else _same(parent)
    return f"{change}\n\n{edits}"


def _same(parent: str) -> str:
    """An edit that changes nothing."""
    body = find_blocks(parent)[-1].body(parent)
    return f"<<<<<<< SEARCH\n{body}=======\n{body}>>>>>>> REPLACE\n"
