"""From a program's answer to a plan that is valid.

Shapes: N sequences, G ranks, M micro-batches.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluators.candidate import Array, CandidateFailure, ReplyField
from evaluators.contract import Outcome
from evaluators.scheduling.sequence_split.machine import Batch, Ints, shard_tokens
from evaluators.scheduling.sequence_split.timing import Plan


def reply_fields(batch: Batch) -> tuple[ReplyField, ReplyField]:
    """What a program returns for this batch."""
    return (
        ReplyField(name="micro_batch", dtype="int64", shape=(batch.size,)),
        ReplyField(name="ranks", dtype="bool", shape=(batch.size, batch.machine.ranks)),
    )


def read_plan(batch: Batch, arrays: Mapping[str, Array]) -> Plan:
    """The plan that the arrays describe.

    Raises:
        CandidateFailure: `INVALID`: a micro-batch out of range, a sequence without ranks, or too many tokens on a rank.
    """
    plan = Plan(
        micro_batch_N=np.asarray(arrays["micro_batch"], dtype=np.int64),
        ranks_NG=np.asarray(arrays["ranks"], dtype=np.bool_),
    )
    outside_N = (plan.micro_batch_N < 0) | (plan.micro_batch_N >= batch.micro_batches)
    if outside_N.any():
        row = int(outside_N.argmax())
        raise _invalid(
            f"micro_batch: expected 0 to {batch.micro_batches - 1}, found {plan.micro_batch_N[row]} (sequence {row})"
        )
    if not plan.ranks_NG.any(axis=1).all():
        row = int(plan.ranks_NG.any(axis=1).argmin())
        raise _invalid(f"ranks: expected one or more for every sequence, found none for sequence {row}")
    tokens_MG = tokens_by_slot(batch, plan)
    if tokens_MG.max() > batch.cap:
        micro_batch, rank = np.unravel_index(int(tokens_MG.argmax()), tokens_MG.shape)
        raise _invalid(
            f"expected at most {batch.cap} tokens on a rank in a micro-batch, found {tokens_MG.max()} on rank {rank} "
            f"in micro-batch {micro_batch}"
        )
    return plan


def tokens_by_slot(batch: Batch, plan: Plan) -> Ints:
    """``(M, G)`` tokens of each rank in each micro-batch, a shard counted as the largest of its sequence."""
    tokens_N = shard_tokens(batch.lengths_N, plan.widths_N)
    tokens_MG = np.zeros((batch.micro_batches, batch.machine.ranks), dtype=np.int64)
    np.add.at(tokens_MG, plan.micro_batch_N, tokens_N[:, None] * plan.ranks_NG)
    return tokens_MG


def _invalid(sentence: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, sentence)
