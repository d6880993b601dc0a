"""Small batches and programs for the tests of `sequence_split`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np

from evaluators.problem import ClockPolicy
from evaluators.scheduling.sequence_split.first_fit import first_fit, micro_batches_of
from evaluators.scheduling.sequence_split.machine import Batch, Machine, Sync
from evaluators.scheduling.sequence_split.scenario import Scenario, make_scenario
from evaluators.scheduling.sequence_split.timing import Plan

CLOCK = ClockPolicy()
START = """
import numpy as np
def split(lengths, config):
    rows, ranks = len(lengths), config["ranks"]
"""
EVERYWHERE = START + "    return {'micro_batch': np.zeros(rows, int), 'ranks': np.ones((rows, ranks), bool)}"


def machine(
    ranks: int = 2,
    per_node: int = 2,
    *,
    sync: Sync = Sync.STEP,
    overlap: bool = False,
    hop_us: float = 0.0,
    overhead_us: float = 0.0,
) -> Machine:
    """A token takes 1 us, attention as long at 100 tokens; a hop of a token 0.1 us inside a node and 1 us between."""
    return Machine(
        ranks=ranks,
        ranks_per_node=per_node,
        linear_us=1.0,
        crossover=100.0,
        kv_bytes=1e3,
        intra_gb_s=10.0,
        inter_gb_s=1.0,
        hop_us=hop_us,
        overhead_us=overhead_us,
        overlap=overlap,
        sync=sync,
    )


def batch_of(*lengths: int, on: Machine | None = None, cap: int = 1000, micro_batches: int = 1) -> Batch:
    return Batch(
        lengths_N=np.array(lengths, dtype=np.int64), cap=cap, micro_batches=micro_batches, machine=on or machine()
    )


def plan_of(num_ranks: int, *rows: tuple[int, Sequence[int]]) -> Plan:
    """Micro-batch and ranks of each sequence."""
    ranks_NG = np.zeros((len(rows), num_ranks), dtype=np.bool_)
    for row, (_, ranks) in enumerate(rows):
        ranks_NG[row, list(ranks)] = True
    return Plan(micro_batch_N=np.array([group for group, _ in rows], dtype=np.int64), ranks_NG=ranks_NG)


def random_batch(seed: int, size: int = 12, most_ranks: int = 6) -> Batch:
    """Of any kind; first fit fits."""
    rng = np.random.default_rng(seed)
    ranks = int(rng.integers(1, most_ranks + 1))
    on = machine(
        ranks,
        int(rng.integers(1, ranks + 1)),
        sync=list(Sync)[int(rng.integers(2))],
        overlap=bool(rng.random() < 0.5),
        hop_us=float(rng.choice([0.0, 5.0])),
        overhead_us=float(rng.choice([0.0, 30.0])),
    )
    lengths = np.clip(rng.lognormal(4.0, 1.2, size).astype(int), 1, 2000).tolist()
    cap = max(int(sum(lengths) / ranks * rng.uniform(0.3, 1.5)), -(-max(lengths) // ranks), 1)
    needed = micro_batches_of(first_fit(batch_of(*lengths, on=on, cap=cap)))
    return batch_of(*lengths, on=on, cap=cap, micro_batches=needed + int(rng.integers(0, 2)))


def random_plan(batch: Batch, rng: np.random.Generator) -> Plan | None:
    """Any widths, ranks and micro-batches that fit; None if a sequence does not."""
    ranks = batch.machine.ranks
    tokens_MG = np.zeros((batch.micro_batches, ranks), dtype=np.int64)
    rows = []
    for row in range(batch.size):
        for _ in range(20):
            width = int(rng.integers(batch.needed_N[row], ranks + 1))
            group, chosen = int(rng.integers(batch.micro_batches)), rng.permutation(ranks)[:width]
            shard = -(-int(batch.lengths_N[row]) // width)
            if (tokens_MG[group, chosen] + shard <= batch.cap).all():
                tokens_MG[group, chosen] += shard
                rows.append((group, chosen.tolist()))
                break
        else:
            return None
    return plan_of(ranks, *rows)


def all_plans(batch: Batch) -> Iterator[Plan]:
    """Every plan, valid or not."""
    ranks = range(batch.machine.ranks)
    groups = [group for width in range(1, batch.machine.ranks + 1) for group in combinations(ranks, width)]
    for rows in product(product(range(batch.micro_batches), groups), repeat=batch.size):
        yield plan_of(batch.machine.ranks, *rows)


def fits(batch: Batch, plan: Plan) -> bool:
    """The cap, counted shard by shard."""
    tokens: dict[tuple[int, int], int] = {}
    for row, (group, ranks) in enumerate(zip(plan.micro_batch_N.tolist(), plan.ranks_NG, strict=True)):
        for rank in np.flatnonzero(ranks).tolist():
            shard = -(-int(batch.lengths_N[row]) // int(ranks.sum()))
            tokens[group, rank] = tokens.get((group, rank), 0) + shard
    return max(tokens.values()) <= batch.cap


def step_by_hand(batch: Batch, plan: Plan) -> float:
    """The rule as it is told, sequence by sequence: no arrays."""
    on, total = batch.machine, 0.0
    ready = [0.0] * on.ranks
    for group in range(batch.micro_batches):
        rows = [row for row in range(batch.size) if plan.micro_batch_N[row] == group]
        sets = {row: np.flatnonzero(plan.ranks_NG[row]).tolist() for row in rows}
        if not rows:
            continue
        for row in sorted(rows, key=lambda row: (-len(sets[row]), -batch.lengths_N[row], row)):
            start = max(ready[rank] for rank in sets[row])
            for rank in sets[row]:
                ready[rank] = start + shard_by_hand(on, int(batch.lengths_N[row]), sets[row])
        total += on.overhead_us
        if on.sync is Sync.STEP:
            total, ready = total + max(ready), [0.0] * on.ranks
    return total + max(ready)


def shard_by_hand(on: Machine, length: int, ranks: Sequence[int]) -> float:
    """Time of one of the shards."""
    width = len(ranks)
    one_node = len({rank // on.ranks_per_node for rank in ranks}) == 1
    us_per_token = on.kv_bytes / ((on.intra_gb_s if one_node else on.inter_gb_s) * 1e9) * 1e6
    attention = on.linear_us / on.crossover * length * length / width
    ring = (width - 1) * (on.hop_us + us_per_token * length / width)
    return on.linear_us * length / width + (max(attention, ring) if on.overlap else attention + ring)


def a_scenario(batch: Batch | None = None) -> Scenario:
    """A batch of its own regime."""
    return make_scenario("scene-0", "scene", batch or random_batch(3), candidate_seed=7)
