"""What a program can learn, and what its scorer believes: through the real sandbox, on our own tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from evaluators import jsonable, protocol
from evaluators.candidate import Argument, Array, Reply, ReplyField
from evaluators.contract import Evaluation, InstanceResult, Limits, Outcome, Split, Tier
from evaluators.environment import current_environment
from evaluators.placement.expert_replication.scenario import Scenario, build_scenario
from evaluators.placement.expert_replication.workload import Workload as Loads
from evaluators.problem import ClockPolicy, PlannerClock
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.sandboxed_candidate import SandboxedCandidate
from evaluators.sandbox.values import encode_call
from evaluators.scoring import Workload, evaluate
from evaluators.worker import Scorer, answer
from tests.evaluators.placement.scenes import a_scenario, a_system
from tests.hostile import on_tasks

LIMITS = Limits(wall_s=30.0, cpu_s=20.0, call_wall_s=20.0, memory_bytes=256 << 20)
NO_DELAY = ClockPolicy(clock=PlannerClock.REPLAYED, stored_delays_s={"scene": (0.0,) * 6})
# Remembers all it sees and plans by it; equivariant under relabelling, for its weighted sums are never equal.
PLANNER = """
import numpy as np
class Policy:
    def __init__(self, config):
        self.config, self.heat = config, 0
    def plan(self, loads, samples, placement, window):
        c = self.config
        self.heat = 0.7071 * self.heat + loads[-1] + 0.1234 * samples.sum(axis=0)
        rows = []
        for heat in self.heat:
            order = np.argsort(-heat, kind="stable")
            spare = np.roll(order[: c["slots"] - c["experts"]], 1)
            pool = np.concatenate([order, spare])
            by_slot = np.empty(c["slots"], dtype=np.int32)
            for rank, expert in enumerate(pool):
                gpu, seat = rank % c["gpus"], rank // c["gpus"]
                by_slot[gpu * c["slots_per_gpu"] + seat] = expert
            rows.append(by_slot)
        return {"placement": np.array(rows)}
"""


@dataclass
class Recorded:
    """A sandboxed candidate whose requests and replies are kept as bytes."""

    inner: SandboxedCandidate
    requests: list[bytes] = field(default_factory=list)
    decisions: list[Array] = field(default_factory=list)

    def construct(self, entry_point: str, *arguments: Argument) -> float:
        self.requests.append(encode_call(entry_point, arguments, ()))
        return self.inner.construct(entry_point, *arguments)

    def method(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        self.requests.append(encode_call(name, arguments, tuple(reply)))
        answered = self.inner.method(name, arguments, reply)
        self.decisions.append(answered.arrays["placement"])
        return answered

    def function(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        return self.inner.function(name, arguments, reply)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(["numpy"], allow_unsafe=True) as started:
        yield started


def play(sandbox: Sandbox, scenario: Scenario, source: str, clock: ClockPolicy) -> tuple[Recorded, InstanceResult]:
    with sandbox.candidate(source, LIMITS) as candidate:
        recorded = Recorded(candidate)
        return recorded, scenario.play(recorded, clock)


# --- the future


def rebuilt(scenario: Scenario, loads: Loads) -> Scenario:
    return build_scenario("scene", "fast", scenario.system, loads, candidate_seed=scenario.candidate_seed)


def with_other_future(scenario: Scenario, windows: int) -> Scenario:
    """The same scenario up to `windows` windows, then the experts' loads in reverse."""
    loads = scenario.workload
    totals, iterations = loads.totals_WLE.copy(), loads.iterations_WILE.copy()
    totals[windows:] = totals[windows:, :, ::-1]
    iterations[windows:] = iterations[windows:, :, :, ::-1]
    return rebuilt(scenario, replace(loads, totals_WLE=totals, iterations_WILE=iterations))


@pytest.mark.parametrize("known_calls", [1, 3, 5])
def test_workloads_alike_so_far_get_the_same_requests_and_decisions(sandbox: Sandbox, known_calls: int) -> None:
    scenario = a_scenario()
    other = with_other_future(scenario, scenario.workload.warmup + known_calls - 1)

    first, score = play(sandbox, scenario, PLANNER, on_tasks.MODELLED)
    second, other_score = play(sandbox, other, PLANNER, on_tasks.MODELLED)

    assert first.requests[: 1 + known_calls] == second.requests[: 1 + known_calls]
    np.testing.assert_array_equal(first.decisions[:known_calls], second.decisions[:known_calls])
    assert first.requests[1 + known_calls] != second.requests[1 + known_calls]
    assert score.score != other_score.score


# --- names


def relabelled(scenario: Scenario, experts: Array) -> Scenario:
    """Expert ``experts[e]`` takes the loads of expert `e`."""
    loads = scenario.workload
    totals, iterations = np.empty_like(loads.totals_WLE), np.empty_like(loads.iterations_WILE)
    totals[..., experts], iterations[..., experts] = loads.totals_WLE, loads.iterations_WILE
    return rebuilt(scenario, replace(loads, totals_WLE=totals, iterations_WILE=iterations))


@pytest.mark.parametrize("seed", [0, 1])
def test_relabelled_experts_get_relabelled_plans_and_the_same_times(sandbox: Sandbox, seed: int) -> None:
    scenario = a_scenario(seed=seed)
    names = np.random.default_rng(seed).permutation(scenario.system.experts)

    first, result = play(sandbox, scenario, PLANNER, NO_DELAY)
    second, other = play(sandbox, relabelled(scenario, names), PLANNER, NO_DELAY)

    np.testing.assert_array_equal(second.decisions, names[np.array(first.decisions)])
    for metric in ("balanced_us", "imbalance_us", "exchange_us", "gpu_balance"):
        assert other.metrics[metric] == pytest.approx(result.metrics[metric], rel=1e-12)


def test_relabelled_gpus_of_a_node_take_the_same_times(sandbox: Sandbox) -> None:
    scenario = a_scenario()
    swapped = PLANNER.replace("gpu, seat = rank % c", "gpu, seat = (rank % c").replace(
        '["gpus"], rank', '["gpus"]) ^ 1, rank'
    )
    _, result = play(sandbox, scenario, PLANNER, NO_DELAY)
    _, other = play(sandbox, scenario, swapped, NO_DELAY)
    for metric in ("balanced_us", "imbalance_us", "exchange_us", "gpu_balance"):
        assert other.metrics[metric] == pytest.approx(result.metrics[metric], rel=1e-12)


# --- the bound


def test_score_above_the_bound_is_our_bug_and_no_score(sandbox: Sandbox) -> None:
    honest = a_scenario()
    _, result = play(sandbox, honest, PLANNER, NO_DELAY)
    time_us = result.metrics["time_us"]
    wrong = replace(honest, weak_us=2 * time_us, bound_us=1.001 * time_us)

    evaluation = evaluate(
        on_tasks.problem("expert_replication"),
        Workload(Tier.SMOKE, Split.SEARCH, "", (wrong,)),
        PLANNER,
        sandbox.candidate,
        current_environment(("numpy",), sandbox.layers),
        NO_DELAY,
    )

    assert (evaluation.outcome, evaluation.objective) == (Outcome.INFRASTRUCTURE, None)
    assert "is above the proven bound" in evaluation.instances[0].detail


# --- memory

COUNTER = """
import numpy as np
SEEN = []
class Policy:
    def __init__(self, config):
        SEEN.append(config)
        np.evenkeel = getattr(np, "evenkeel", 0) + 1
        if len(SEEN) > 1 or np.evenkeel > 1:
            raise ValueError("I have been here before")
        self.row = np.arange(config["slots"]) % config["experts"]
    def plan(self, loads, samples, placement, window):
        return {"placement": np.tile(self.row, (len(placement), 1))}
"""


def test_nothing_is_remembered_from_one_instance_to_the_next(sandbox: Sandbox) -> None:
    for _ in range(2):
        evaluation = evaluate(
            on_tasks.problem("expert_replication"),
            on_tasks.workload("expert_replication", Split.SEARCH),
            COUNTER,
            sandbox.candidate,
            current_environment(("numpy",), sandbox.layers),
            on_tasks.MODELLED,
        )
        assert evaluation.outcome is Outcome.SCORED, evaluation.feedback
        assert len(evaluation.instances) > 1


def test_same_program_scores_the_same_again(sandbox: Sandbox) -> None:
    scores = [play(sandbox, a_scenario(), PLANNER, on_tasks.MODELLED)[1] for _ in range(2)]
    assert scores[0] == scores[1]


# --- planner time

BURNS = """
import resource, time
import numpy as np
really = time.process_time
time.process_time = time.perf_counter = time.monotonic = time.time = lambda: 0.0
resource.getrusage = lambda *_: resource.struct_rusage((0,) * 16)
class Policy:
    def __init__(self, config):
        self.row = np.arange(config["slots"]) % config["experts"]
    def plan(self, loads, samples, placement, window):
        began = really()
        while really() - began < 0.05:
            pass
        return {"placement": np.tile(self.row, (len(placement), 1))EXTRA}
"""


def test_planner_time_is_read_by_the_worker_whatever_the_child_says(sandbox: Sandbox) -> None:
    clock = ClockPolicy(clock=PlannerClock.MEASURED)
    _, result = play(sandbox, a_scenario(), BURNS.replace("EXTRA", ""), clock)
    assert len(result.delays_s) == 6
    assert min(result.delays_s) >= 0.064  # 50 ms on the grid of 16 ms times powers of two


def test_program_cannot_report_its_own_time(sandbox: Sandbox) -> None:
    evaluation = evaluate(
        on_tasks.problem("expert_replication"),
        Workload(Tier.SMOKE, Split.SEARCH, "", (a_scenario(a_system()),)),
        BURNS.replace("EXTRA", ', "cpu_s": 0.0'),
        sandbox.candidate,
        current_environment(("numpy",), sandbox.layers),
        ClockPolicy(clock=PlannerClock.MEASURED),
    )
    assert evaluation.outcome is Outcome.INVALID
    assert "unknown key 'cpu_s'" in evaluation.instances[0].detail


# --- words

TELLS = """
import sys
def guess(hints):
    for stream in (sys.stdout, sys.stderr):
        stream.write(f"HIDDEN {hints.tolist()}")
        stream.flush()
    RESULT
"""


def told_of_holdout(sandbox: Sandbox, result: str) -> tuple[bytes, Evaluation]:
    """All that a worker sends to the controller about a program that tells what it sees."""
    problem = on_tasks.problem("toy")
    environment = current_environment(("numpy",), sandbox.layers)
    scorer = Scorer(problem, {Split.HOLDOUT: on_tasks.SECRET}, sandbox, environment)
    request = protocol.EvaluateRequest(source=TELLS.replace("RESULT", result), tier=Tier.QUICK, split=Split.HOLDOUT)
    reply = answer(scorer, protocol.encode(request)[protocol.PREFIX.size :])
    assert reply.evaluation is not None
    return protocol.encode(reply), reply.evaluation


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("return hints[0]", Outcome.SCORED),
        ("raise ValueError(hints.tolist())", Outcome.CRASHED),
        ("return {str(hints.tolist()): 0.0}", Outcome.INVALID),
        ("return str(hints.tolist())", Outcome.INVALID),
        ("import no_such_module_HIDDEN", Outcome.CRASHED),
    ],
)
def test_words_about_hidden_instances_do_not_leave_the_worker(
    sandbox: Sandbox, capfd: pytest.CaptureFixture[str], result: str, outcome: Outcome
) -> None:
    sent, evaluation = told_of_holdout(sandbox, result)

    captured = capfd.readouterr()
    said = sent.decode("utf-8", "replace") + captured.out + captured.err
    hidden = on_tasks.hidden_texts("toy", Split.HOLDOUT)
    assert evaluation.outcome is outcome
    assert "HIDDEN" not in said
    assert not [text for text in hidden if text in said]
    assert evaluation.feedback == ""


def test_words_about_search_instances_are_short_and_on_one_line(sandbox: Sandbox) -> None:
    source = "def guess(hints):\n    raise ValueError('a\\n\\x1b[31m\\u202eb\\u200b ' + 'x' * 10_000_000)\n"
    evaluation = evaluate(
        on_tasks.problem("toy"),
        on_tasks.workload("toy", Split.SEARCH),
        source,
        sandbox.candidate,
        current_environment(("numpy",), sandbox.layers),
        on_tasks.MODELLED,
    )
    detail = next(instance.detail for instance in evaluation.instances if instance.detail)
    assert detail.startswith("ValueError: a [31mb xxx")
    assert len(detail) <= 400
    assert detail.isprintable()
    assert len(jsonable.dumps(evaluation)) < 20_000
