from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, Outcome
from evaluators.scheduling.broadcast.scenario import build_scenario
from evaluators.scheduling.broadcast.task import TASK
from evaluators.scoring import within_bound
from tests.evaluators.scheduling.broadcast.transfers import CLOCK, DIRECT, a_network, a_scenario, a_transfer
from tests.in_process import InProcessCandidate

CHAIN = """
import numpy as np
def plan(transfer):
    parents = np.full((transfer["partitions"], transfer["regions"]), -1)
    here = transfer["source"]
    for there in transfer["destinations"].tolist():
        parents[:, there], here = here, there
    return parents
"""
# The public evaluator took prices and rates from the program; here it may only spoil its own copies.
FORGER = """
import numpy as np
def plan(transfer):
    for name in ("usd_per_gb", "machines_usd_per_h"):
        transfer[name] = np.zeros_like(transfer[name])
    transfer["gbps"] = np.full_like(transfer["gbps"], 1e9)
    transfer["volume_gb"] = transfer["time_usd_per_h"] = 0.0
    parents = np.full((transfer["partitions"], transfer["regions"]), -1)
    parents[:, transfer["destinations"]] = transfer["source"]
    return parents
"""


def test_straight_links_score_nothing_and_a_chain_is_better_where_the_source_sends_slowly() -> None:
    scenario = a_scenario(a_transfer(a_network(egress_gbps_R=np.full(4, 5.0)), time_usd_per_h=1000.0))
    direct, chain = (scenario.play(InProcessCandidate(source), CLOCK) for source in (DIRECT, CHAIN))
    assert (direct.outcome, direct.score) == (Outcome.SCORED, 0.0)
    assert direct.metrics["saving"] == 0.0
    assert direct.metrics["time_over_direct"] == direct.metrics["depth"] == 1.0
    assert chain.score == pytest.approx(1.0)
    assert chain.metrics["time_over_direct"] == pytest.approx(0.5)
    assert chain.metrics["depth"] == 1.5
    assert chain.metrics["distinct_trees"] == 0.5  # one tree for two partitions


def test_the_metrics_add_up() -> None:
    metrics = a_scenario().play(InProcessCandidate(CHAIN), CLOCK).metrics
    waiting_usd = 10.0 * metrics["time_s"] / 3600
    assert metrics["cost_usd"] == pytest.approx(metrics["transfer_usd"] + waiting_usd)
    assert metrics["egress_share"] == pytest.approx(metrics["egress_usd"] / metrics["cost_usd"])
    assert metrics["cost_over_bound"] == pytest.approx(metrics["cost_usd"] / metrics["bound_usd"])
    assert metrics["cost_over_bound"] >= 1.0


def test_prices_and_rates_are_the_engines_whatever_a_program_does_to_its_copies() -> None:
    scenario = a_scenario()
    forged, honest = (scenario.play(InProcessCandidate(source), CLOCK) for source in (FORGER, DIRECT))
    assert forged == honest
    spoiler = DIRECT.replace(
        "    return", "    transfer['gbps'].setflags(write=True); transfer['gbps'][:] = 1e9\n    return"
    )
    assert scenario.play(InProcessCandidate(spoiler), CLOCK) == honest
    assert scenario.play(InProcessCandidate(DIRECT), CLOCK) == honest


def test_detours_that_help_nobody_cost_and_stop_at_the_floor() -> None:
    dear = a_network(usd_per_gb_RR=np.array([[0, 0.1, 0.1, 9], [9, 0, 9, 9], [9, 9, 0, 9], [9, 9, 9, 0.0]]))
    scenario = replace(a_scenario(a_transfer(dear)), bound_usd=1.0)
    wasteful = DIRECT.replace("    return", "    parents[:, 3] = 0\n    return")
    result = scenario.play(InProcessCandidate(wasteful), CLOCK)
    assert result.score == FLOOR
    assert result.metrics["relays"] == 1.0


def test_a_program_is_told_the_transfer_and_nothing_else() -> None:
    told = build_scenario("s", "r", a_transfer(), candidate_seed=7).told()
    assert told.keys() == {
        "regions", "source", "destinations", "partitions", "volume_gb", "gbps", "usd_per_gb", "egress_gbps",
        "ingress_gbps", "machines_usd_per_h", "time_usd_per_h", "seed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("[[0]]", "expected shape"),
        ("np.zeros((transfer['partitions'], transfer['regions']), dtype=int)", "expected another region than itself"),
        ("np.full((transfer['partitions'], transfer['regions']), 10**6)", "expected a region from 0 to 3"),
    ],
)
def test_answers_that_cannot_be_are_failures(answer: str, sentence: str) -> None:
    source = f"import numpy as np\ndef plan(transfer):\n    return {answer}\n"
    with pytest.raises(CandidateFailure, match=sentence):
        a_scenario().play(InProcessCandidate(source), CLOCK)


def test_a_cost_below_the_bound_is_our_fault() -> None:
    scenario = a_scenario()
    spoilt = replace(scenario, bound_usd=scenario.direct.usd - 1e-3)
    cheaper = replace(spoilt, direct=replace(scenario.direct, egress_usd=scenario.direct.egress_usd + 1.0))
    result = within_bound(cheaper.play(InProcessCandidate(DIRECT), CLOCK), TASK.bound)
    assert result.outcome is Outcome.SCORED
    beaten = replace(cheaper, bound_usd=scenario.direct.usd + 0.5)
    result = within_bound(beaten.play(InProcessCandidate(DIRECT), CLOCK), TASK.bound)
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "evaluator bug" in result.detail
