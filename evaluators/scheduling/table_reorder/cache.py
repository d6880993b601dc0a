"""A prefix cache of bounded size, as a serving engine has.

Prompts are cached in blocks of so many tokens, as many as are full; a block is found if all tokens up to its end are
those of a cached one. A prompt finds what the prompts left that had ended when it began: with k in flight, all but
the k - 1 before it. When a prompt ends, its blocks become the newest; while more are kept than fit, the oldest is
dropped, of one prompt's the last first.

A block is thus kept exactly if it fits together with all newer ones, and a prefix is always newer than what follows it.

Source: blocks and their eviction after vLLM (Kwon et al., SOSP 2023) and SGLang's radix tree (Zheng et al., 2024).

Shapes: N prompts in the order in which they are served, C cells of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.table_reorder.prefixes import Prompts
from evaluators.scheduling.table_reorder.table import Ints

NEVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """What the engine can reuse."""

    block: int  # tokens; 1: single tokens
    capacity: int  # tokens; a multiple of `block`
    in_flight: int  # prompts at a time; 1: one after the other


def found_tokens(prompts: Prompts, cache: Cache) -> Ints:
    """``(N,)`` tokens of each prompt that the cache has when it begins."""
    full_NC = prompts.ends_NC // cache.block * cache.block
    weights_NC = np.diff(full_NC, axis=1, prepend=0)  # tokens of the blocks that end inside each cell
    newest = np.full(int(prompts.nodes_NC.max()) + 1, NEVER)  # per node: the last prompt that left it, of those ended
    held_N = np.zeros(len(full_NC), dtype=np.int64)  # tokens of the nodes that each prompt was the last to leave
    found_N = np.zeros(len(full_NC), dtype=np.int64)
    for prompt in range(cache.in_flight, len(full_NC)):
        ended = prompt - cache.in_flight
        _leave(ended, prompts.nodes_NC[ended], weights_NC[ended], newest, held_N)
        stamps = newest[prompts.nodes_NC[prompt]]
        stamps = stamps[stamps != NEVER]  # the first nodes, never newer than the ones before them
        if len(stamps):
            found_N[prompt] = _fitting(stamps, weights_NC[prompt], held_N[: ended + 1], cache.capacity)
    return found_N


def _leave(ended: int, nodes_C: Ints, weights_C: Ints, newest: Ints, held_N: Ints) -> None:
    stamps = newest[nodes_C]
    known = stamps != NEVER
    np.subtract.at(held_N, stamps[known], weights_C[known])
    held_N[ended] = weights_C.sum()
    newest[nodes_C] = ended


def _fitting(stamps: Ints, weights_C: Ints, held: Ints, capacity: int) -> int:
    """Tokens of the nodes that a prompt shares with the cached ones, as far as they fit with all newer ones."""
    weights = weights_C[: len(stamps)]
    newer = held.sum() - np.cumsum(held)[stamps]  # left by later prompts
    before = np.cumsum(weights) - weights
    newer += before - before[np.searchsorted(-stamps, -stamps)]  # and by the same prompt, in front
    return int(np.clip(capacity - newer, 0, weights).sum())
