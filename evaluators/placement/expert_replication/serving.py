"""One window served: what a layer costs under a plan, and what it costs to get from one plan to the next.

Shapes: I iterations, L layers, E experts, G GPUs, P slots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.placement.cost import (
    Floats,
    Migration,
    all_to_all_us,
    compute_us,
    group_visits,
    layer_us,
    per_part,
)
from evaluators.placement.expert_replication.dispatch import Dispatch, Plan, flows, sharded_layers
from evaluators.placement.expert_replication.fresh import materialise
from evaluators.placement.expert_replication.sharded import plan_migration, shard_compute_us, shard_exchange_us
from evaluators.placement.expert_replication.system import System

INTERFERENCE = 0.1  # of the moving time is lost while weights move beside serving, fresh copies too
STANDING_STILL = Migration(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class LayerTimes:
    """Microseconds per iteration, summed over layers, ``(I,)`` each, and the balance of the GPUs' tokens."""

    total_I: Floats
    balanced_I: Floats  # compute, had all GPUs been alike
    imbalance_I: Floats  # what the busiest GPU takes beyond that
    exchange_I: Floats  # all-to-all that is not hidden
    gathering_I: Floats  # fresh copies: what is not hidden, and the interference of what is
    gpu_balance: float  # sum over layers of the mean GPU load / sum of the largest, over these iterations together


def layer_times(plan: Plan, loads_ILE: Floats, system: System, recent_ILE: Floats | None = None) -> LayerTimes:
    """The layers' times for these loads under a plan that is in place.

    Args:
        plan: Placement and choice among copies.
        loads_ILE: Tokens of the iterations served.
        system: Machine and model.
        recent_ILE: Loads just before each iteration, in proportion; needed by a plan with fresh slots.

    Raises:
        ValueError: The plan has fresh slots and there is nothing to fill them by.
    """
    tokens_ILP, exchange, gather = dispatched_tokens(plan, loads_ILE, system, recent_ILE)
    compute_ILG = compute_us(tokens_ILP, system.curve, system.network.gpus)
    busiest = system.fixed_us + compute_ILG.max(axis=2)
    balanced = system.fixed_us + compute_ILG.mean(axis=2)
    tokens_LG = per_part(tokens_ILP.sum(axis=0), system.network.gpus)
    cut = sharded_layers(plan)
    if cut.any():
        busiest[:, cut] = balanced[:, cut] = system.fixed_us + shard_compute_us(loads_ILE[:, cut], system)
        exchange[:, cut] = shard_exchange_us(loads_ILE[:, cut], system)
        gather[:, cut] = 0.0
        tokens_LG[cut] = tokens_LG[cut].mean(axis=1, keepdims=True)
    without = layer_us(busiest, exchange, overlapped=system.overlapped)
    gathering = _gathering_us(gather, busiest, exchange, system)
    return LayerTimes(
        total_I=(without + gathering).sum(axis=1),
        balanced_I=balanced.sum(axis=1),
        imbalance_I=(busiest - balanced).sum(axis=1),
        exchange_I=(without - busiest).sum(axis=1),
        gathering_I=gathering.sum(axis=1),
        gpu_balance=float(tokens_LG.mean(axis=1).sum() / max(tokens_LG.max(axis=1).sum(), 1e-12)),
    )


def dispatched_tokens(
    plan: Plan, loads_ILE: Floats, system: System, recent_ILE: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """Tokens of each slot, ``(I, L, P)``, all-to-all and gathering of fresh copies, ``(I, L)`` each.

    Layers that are cut over all GPUs are taken as whole. See `layer_times`.
    """
    if plan.fresh_LP is None or not plan.fresh_LP.any():
        tokens, exchange = _dispatched(plan, loads_ILE, system)
        return tokens, exchange, np.zeros_like(exchange)
    if recent_ILE is None:
        raise ValueError("the plan has fresh slots: expected the loads before each iteration, found none")
    filled = materialise(plan, recent_ILE, system)
    # Every iteration has a placement of its own: as if the iterations were further layers.
    unrolled = Plan(filled.placement_MP, plan.dispatch, np.tile(plan.split_LP, (len(loads_ILE), 1)))
    tokens, exchange = _dispatched(unrolled, loads_ILE.reshape(1, -1, system.experts), system)
    size = loads_ILE.shape[:2]
    return tokens.reshape(*size, -1), exchange.reshape(size), filled.gather_IL


def _dispatched(plan: Plan, loads_ILE: Floats, system: System) -> tuple[Floats, Floats]:
    """Tokens of each slot, ``(I, L, P)``, and the all-to-all, ``(I, L)``."""
    moved = flows(plan, loads_ILE, system.network)
    visits = group_visits(loads_ILE, system.top_k, system.network)
    solving = system.lp_us if plan.dispatch is Dispatch.LP else 0.0
    return moved.tokens_ILP, solving + all_to_all_us(moved, plan.placement_LP, visits, system.network)


def _gathering_us(gather_IL: Floats, compute_IL: Floats, exchange_IL: Floats, system: System) -> Floats:
    """What fresh copies add to a layer, ``(I, L)``: the part that does not hide, and a tenth of the part that does.

    They share the links with the all-to-all. In a series they hide behind the attention before; with two batches in
    flight behind all compute, attention included, that the all-to-all leaves idle.
    """
    if system.overlapped:
        together = layer_us(compute_IL, exchange_IL + gather_IL, overlapped=True)
        beyond = together - layer_us(compute_IL, exchange_IL, overlapped=True)
    else:
        beyond = np.maximum(gather_IL - system.attention_us, 0.0)
    added: Floats = beyond + INTERFERENCE * (gather_IL - beyond)
    return added


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A window as it went; times are microseconds per iteration on average."""

    active: Plan  # in place at its end
    time_us: float
    balanced_us: float
    imbalance_us: float
    exchange_us: float
    gathering_us: float
    waiting_us: float  # lost because the plan before served until the new one was there
    migration_us: float
    gpu_balance: float
    moved_fraction: float
    moved_bytes: float


def serve_window(
    active: Plan,
    wanted: Plan,
    delay_s: float,
    loads_ILE: Floats,
    system: System,
    recent_ILE: Floats | None = None,
) -> Served:
    """Serve one window, starting under `active`; `wanted` is known `delay_s` into it. See `layer_times`.

    A plan that would not be in place before the window ends is dropped: the next one is based on newer loads.
    """
    move = STANDING_STILL
    if delay_s < system.seconds_per_window and not _same_weights(wanted, active):
        move = plan_migration(active, wanted, system)
    arrival = (delay_s + (move.seconds if system.asynchronous else 0.0)) / system.seconds_per_window
    old_I = _share_before(arrival, len(loads_ILE))
    final = wanted if arrival < 1.0 else active
    times = layer_times(final, loads_ILE, system, recent_ILE)
    before = times.total_I
    if final is wanted and old_I.any():
        before = layer_times(active, loads_ILE, system, recent_ILE).total_I
    waiting = float((old_I * (before - times.total_I)).mean())
    paid_us = 1e6 * _paid_seconds(move, delay_s, system) / system.iterations_per_window
    return Served(
        active=final,
        time_us=float(times.total_I.mean()) + waiting + paid_us,
        balanced_us=float(times.balanced_I.mean()),
        imbalance_us=float(times.imbalance_I.mean()),
        exchange_us=float(times.exchange_I.mean()),
        gathering_us=float(times.gathering_I.mean()),
        waiting_us=waiting,
        migration_us=paid_us,
        gpu_balance=times.gpu_balance,
        moved_fraction=move.replicas / wanted.placement_LP.size,
        moved_bytes=move.total_bytes,
    )


def _same_weights(one: Plan, other: Plan) -> bool:
    """Whether nothing moves between the two."""
    same_cuts = np.array_equal(sharded_layers(one), sharded_layers(other))
    return same_cuts and np.array_equal(one.placement_LP, other.placement_LP)


def _share_before(arrival: float, num_iterations: int) -> Floats:
    """Share of each kept iteration's stretch of the window that lies before `arrival` (a share of the window)."""
    return np.clip(arrival * num_iterations - np.arange(num_iterations), 0.0, 1.0)


def _paid_seconds(move: Migration, delay_s: float, system: System) -> float:
    """Serving time lost to moving weights."""
    if not system.asynchronous:
        return move.seconds
    return INTERFERENCE * min(move.seconds, system.seconds_per_window - delay_s) if move.replicas else 0.0
