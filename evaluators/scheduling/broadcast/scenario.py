"""One scored transfer: what the program is told, how its trees are read and what they score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.candidate import Argument, Candidate, ReplyField
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.problem import ClockPolicy
from evaluators.scheduling.broadcast.bound import cost_bound_usd
from evaluators.scheduling.broadcast.plan import (
    NOT_THERE,
    Bill,
    Ints,
    bill_of,
    depths,
    direct_plan,
    read_trees,
)
from evaluators.scheduling.broadcast.transfer import Transfer

ROUNDING = 1e-6  # of the direct cost: at the edges there may be nothing to save


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scenario:
    """A transfer with its anchors; see `build_scenario`."""

    name: str
    regime: str
    transfer: Transfer
    candidate_seed: int
    direct: Bill
    bound_usd: float

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Score the trees of a fresh program."""
        del clock  # plans are made long before the transfer: no time is charged
        return self.result(self.ask(candidate))

    def ask(self, candidate: Candidate) -> Ints:
        """The program's trees, found valid.

        Raises:
            CandidateFailure: The program failed, or its answer is not a tree for each partition.
        """
        transfer = self.transfer
        shape = (transfer.partitions, transfer.network.regions)
        reply = candidate.function("plan", [self.told()], (ReplyField(name="parents", dtype="int64", shape=shape),))
        return read_trees(reply.arrays["parents"].astype(np.int64), transfer)

    def result(self, parents_PR: Ints) -> InstanceResult:
        """Score and metrics of valid trees; every price and rate is the engine's own."""
        bill = bill_of(parents_PR, self.transfer)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=max(FLOOR, self.score(bill.usd)),
            metrics={**self._money(bill), **self._shape(parents_PR)},
        )

    def score(self, usd: float) -> float:
        """0 at the cost of sending straight to each destination, 1 at the bound."""
        span = max(self.direct.usd - self.bound_usd, ROUNDING * self.direct.usd)
        return (self.direct.usd - usd) / span

    def told(self) -> dict[str, Argument]:
        """What a program is told: copies, so that nothing it does to them reaches the engine."""
        transfer, network = self.transfer, self.transfer.network
        return {
            "regions": network.regions,
            "source": transfer.source,
            "destinations": np.array(transfer.destinations, dtype=np.int64),
            "partitions": transfer.partitions,
            "volume_gb": transfer.volume_gb,
            "gbps": network.gbps_RR.copy(),
            "usd_per_gb": network.usd_per_gb_RR.copy(),
            "egress_gbps": network.egress_gbps_R.copy(),
            "ingress_gbps": network.ingress_gbps_R.copy(),
            "machines_usd_per_h": network.machines_usd_per_h_R.copy(),
            "time_usd_per_h": transfer.time_usd_per_h,
            "seed": self.candidate_seed,
        }

    def _money(self, bill: Bill) -> dict[str, float]:
        return {
            "cost_usd": bill.usd,
            "bound_usd": self.bound_usd,
            "cost_over_bound": bill.usd / self.bound_usd,
            "saving": 1.0 - bill.usd / self.direct.usd,
            "transfer_usd": bill.egress_usd + bill.machines_usd,
            "egress_usd": bill.egress_usd,
            "egress_share": bill.egress_usd / bill.usd,
            "time_s": bill.time_s,
            "time_over_direct": bill.time_s / self.direct.time_s,
        }

    def _shape(self, parents_PR: Ints) -> dict[str, float]:
        transfer = self.transfer
        there_PR = parents_PR != NOT_THERE
        deep_PR = depths(parents_PR, transfer.source)
        return {
            "relays": float(there_PR[:, list(transfer.relays)].sum(axis=1).mean()),
            "depth": float(deep_PR[:, list(transfer.destinations)].mean()),
            "distinct_trees": len(np.unique(parents_PR, axis=0)) / transfer.partitions,
        }


def build_scenario(name: str, regime: str, transfer: Transfer, candidate_seed: int) -> Scenario:
    """The scenario with its anchors computed."""
    return Scenario(
        name=name,
        regime=regime,
        transfer=transfer,
        candidate_seed=candidate_seed,
        direct=bill_of(direct_plan(transfer), transfer),
        bound_usd=cost_bound_usd(transfer),
    )
