"""The exact split of tokens among copies that makes the busiest GPU lightest, for all layers and iterations at once.

Per layer this is the linear program of LPLB and SGLang: min M such that each expert's tokens are shared out among the
GPUs that hold it and no GPU gets more than M. For a given M it is a flow from experts to GPUs; where the flow falls
short, the minimum cut is a set of experts whose tokens cannot fit their GPUs, and its mean load is the next M (Newton's
method on the parametric flow: M only grows and the last one is optimal). Counts are scaled to integers first, so the
result is exact to about 1e-6 of a layer's tokens.

Shapes: I iterations, L layers (all iterations' layers, inside the solver), E experts, G GPUs, P slots, A slots of
replicated experts (arcs), X replicated experts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from evaluators.placement.cost import Floats, Integers

CAPACITY = 2**30  # the flow solver counts in int32
Indices = npt.NDArray[np.intp]
Counts = npt.NDArray[np.int64]


def min_max_shares(loads_ILE: Floats, placement_LP: Integers, num_gpus: int) -> Floats:
    """Share of its expert's tokens that each slot takes, ``(I, L, P)``: the busiest GPU is as light as can be."""
    num_iterations, num_layers, num_experts = loads_ILE.shape
    repeated = np.tile(placement_LP, (num_iterations, 1)).astype(np.int64, copy=False)
    arcs = _Arcs.of(repeated, num_experts, num_gpus)
    return arcs.shares(loads_ILE.reshape(-1, num_experts)).reshape(num_iterations, num_layers, -1)


@dataclass(frozen=True, slots=True, eq=False)
class _Arcs:
    """Replicated experts, the GPUs that hold them, and the graph source -> expert -> GPU -> sink of all layers."""

    placement_LP: Integers
    num_gpus: int
    slot_A: Indices  # flat index into (L, P)
    expert_X: Indices  # flat index into (L, E)
    tail_A: Indices  # index into X
    gpu_A: Indices  # flat index into (L, G)
    single_LP: npt.NDArray[np.bool_]
    even_LP: Floats

    @classmethod
    def of(cls, placement_LP: Integers, num_experts: int, num_gpus: int) -> _Arcs:
        num_layers, num_slots = placement_LP.shape
        layer = np.arange(num_layers)[:, None]
        flat_LP = layer * num_experts + placement_LP
        counts_LP = np.bincount(flat_LP.ravel(), minlength=num_layers * num_experts)[flat_LP]
        slots = np.flatnonzero(counts_LP > 1)
        experts, tails = np.unique(flat_LP.ravel()[slots], return_inverse=True)
        gpus = (layer * num_gpus + np.arange(num_slots) // (num_slots // num_gpus)).ravel()[slots]
        return cls(placement_LP, num_gpus, slots, experts, tails, gpus, counts_LP == 1, 1.0 / counts_LP)

    def shares(self, loads_LE: Floats) -> Floats:
        """The split of every layer, ``(L, P)``."""
        shares = self.even_LP.copy()
        total = float(loads_LE.sum())
        if total <= 0 or not self.slot_A.size:
            return shares
        counts = np.rint(loads_LE * (CAPACITY / total)).astype(np.int64)
        supply_X = counts.ravel()[self.expert_X]
        flow_A = self._balanced_flow(counts, supply_X)
        positive = supply_X[self.tail_A] > 0
        shares.ravel()[self.slot_A[positive]] = flow_A[positive] / supply_X[self.tail_A[positive]]
        return shares

    def _balanced_flow(self, counts_LE: Counts, supply_X: Counts) -> Counts:
        base_LG = self._fixed_loads(counts_LE)
        peak_L = np.maximum(base_LG.max(axis=1), -(-counts_LE.sum(axis=1) // self.num_gpus))
        layer_X = self.expert_X // counts_LE.shape[1]
        graph = _Graph.of(self, base_LG.size)
        while True:
            residual, flow_A, sent_X = graph.solve(supply_X, (peak_L[:, None] - base_LG).ravel())
            short_L = np.bincount(layer_X, weights=supply_X - sent_X, minlength=len(base_LG)) > 0
            if not short_L.any():
                return flow_A
            cut_X, cut_LG = graph.reachable(residual, base_LG.shape)
            held = np.bincount(layer_X[cut_X], weights=supply_X[cut_X], minlength=len(base_LG)).astype(np.int64)
            crowded = -(-(held + (base_LG * cut_LG).sum(axis=1)) // np.maximum(cut_LG.sum(axis=1), 1))
            peak_L = np.where(short_L, crowded, peak_L)

    def _fixed_loads(self, counts_LE: Counts) -> Counts:
        """Tokens on each GPU that have no choice, ``(L, G)``."""
        alone = np.take_along_axis(counts_LE, self.placement_LP, axis=1) * self.single_LP
        fixed: Counts = alone.reshape(len(counts_LE), self.num_gpus, -1).sum(axis=2)
        return fixed


@dataclass(frozen=True, slots=True, eq=False)
class _Graph:
    """Nodes: source, X experts, L * G GPUs, sink. The rows of the capacities are in this order."""

    num_experts: int
    num_gpus: int
    indices: npt.NDArray[np.int32]
    indptr: npt.NDArray[np.int32]
    order_A: Indices  # arcs sorted by expert, then GPU
    tail_A: Indices

    @classmethod
    def of(cls, arcs: _Arcs, num_gpus: int) -> _Graph:
        num_experts = arcs.expert_X.size
        order = np.lexsort((arcs.gpu_A, arcs.tail_A))
        sink = 1 + num_experts + num_gpus
        indices = np.concatenate(
            [np.arange(1, 1 + num_experts), 1 + num_experts + arcs.gpu_A[order], np.full(num_gpus, sink)]
        )
        widths = np.concatenate(
            [[num_experts], np.bincount(arcs.tail_A, minlength=num_experts), np.ones(num_gpus, np.int64), [0]]
        )
        indptr = np.concatenate([[0], np.cumsum(widths)])
        return cls(num_experts, num_gpus, indices.astype(np.int32), indptr.astype(np.int32), order, arcs.tail_A)

    def solve(self, supply_X: Counts, room_G: Counts) -> tuple[csr_array[np.int32], Counts, Counts]:
        """The residual graph, the flow on each arc and what left each expert, for the room on all GPUs."""
        data = np.concatenate([supply_X, supply_X[self.tail_A[self.order_A]], room_G]).astype(np.int32)
        size = self.indptr.size - 1
        capacity = csr_array((data, self.indices, self.indptr), shape=(size, size))
        flow = maximum_flow(capacity, 0, size - 1, method="dinic").flow
        flow_A = np.empty(self.order_A.size, dtype=np.int64)
        rows = np.repeat(np.arange(size), np.diff(self.indptr))
        sent = np.asarray(flow[rows, self.indices]).ravel()
        flow_A[self.order_A] = sent[self.num_experts : self.num_experts + self.order_A.size]
        return csr_array(capacity - flow), flow_A, sent[: self.num_experts].astype(np.int64)

    def reachable(
        self, residual: csr_array[np.int32], shape: tuple[int, ...]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """The source's side of the minimum cut: experts ``(X,)`` and GPUs ``(L, G)``."""
        residual.eliminate_zeros()
        side = np.zeros(residual.shape[0], dtype=np.bool_)
        side[breadth_first_order(residual, 0, return_predecessors=False)] = True
        return side[1 : 1 + self.num_experts], side[1 + self.num_experts : -1].reshape(shape)
