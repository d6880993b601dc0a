"""The weak baseline: sequences in the order of the batch, each into the first micro-batch and ranks with room.

Shapes: N sequences, G ranks, M micro-batches.
"""

from __future__ import annotations

import numpy as np

from evaluators.scheduling.sequence_split.machine import Batch, Ints, shard_tokens
from evaluators.scheduling.sequence_split.timing import Plan


def first_fit(batch: Batch) -> Plan:
    """The plan of first fit: every sequence cut into as few shards as the cap asks for.

    Its micro-batches may be more than `batch.micro_batches`; `micro_batches_of` says how many there are.
    """
    micro_batch_N = np.zeros(batch.size, dtype=np.int64)
    ranks_NG = np.zeros((batch.size, batch.machine.ranks), dtype=np.bool_)
    room_MG: list[Ints] = []
    needed_N = batch.needed_N
    tokens_N = shard_tokens(batch.lengths_N, needed_N)
    for row, (tokens, width) in enumerate(zip(tokens_N.tolist(), needed_N.tolist(), strict=True)):
        place = next((m for m, room_G in enumerate(room_MG) if (room_G >= tokens).sum() >= width), len(room_MG))
        if place == len(room_MG):
            room_MG.append(np.full(batch.machine.ranks, batch.cap, dtype=np.int64))
        chosen = np.flatnonzero(room_MG[place] >= tokens)[:width]
        room_MG[place][chosen] -= tokens
        micro_batch_N[row], ranks_NG[row, chosen] = place, True
    return Plan(micro_batch_N=micro_batch_N, ranks_NG=ranks_NG)


def micro_batches_of(plan: Plan) -> int:
    """How many micro-batches the plan counts up to."""
    return int(plan.micro_batch_N.max()) + 1
