"""Placements replayed on a made-up GPU: what is counted, what is timed, and what is said of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from evaluators.contract import Limits
from evaluators.kernels import replay
from evaluators.kernels.replay_counts import Replayed, draw_cells, overall, rank_correlation, report, slot_loads
from evaluators.kernels.replay_run import Replay
from evaluators.kernels.timing import Effort, Launch, Timer
from evaluators.placement.expert_replication.scenario import Scenario
from tests.evaluators.placement.scenes import MODELLED, SHIFTING, STATIC, a_scenario, a_system
from tests.in_process import InProcessCandidate

SHARDED = STATIC.replace("(len(placement), 1))}", '(len(placement), 1)), "sharded": np.ones(len(placement), bool)}')
BROKEN = STATIC.replace("return", "raise RuntimeError('no plan');")
OTHER = STATIC.replace('np.arange(config["slots"])', 'np.roll(np.arange(config["slots"]), 5)')


@dataclass
class MadeUpGpu:
    """Seven times slower than the cost model has it; keeps the rows it was given."""

    given: list[tuple[int, ...]] = field(default_factory=list)
    _last_us: float = 0.0

    def make(self, slots: int, most_rows: int) -> object:
        def launch_for(counts: Sequence[int]) -> Launch:
            assert len(counts) == slots
            assert sum(counts) <= most_rows

            def launch() -> None:
                self.given.append(tuple(counts))
                self._last_us = 7.0 * float(a_system().curve.time_us(np.array(counts, dtype=np.float64)).sum())

            return launch

        return launch_for

    def calibration(self) -> None:
        self._last_us = 50.0

    def spans_us(self, launch: Launch, count: int) -> Sequence[float]:
        launch()
        return [self._last_us] * count

    def train_us(self, launch: Launch, count: int) -> float:
        return sum(self.spans_us(launch, count))


@contextmanager
def in_process(source: str, limits: Limits) -> Iterator[InProcessCandidate]:
    yield InProcessCandidate(source)


def a_replay(gpu: MadeUpGpu, programs: dict[str, str], scenarios: Sequence[Scenario], cells: int = 10) -> Replay:
    return Replay(
        programs=programs,
        scenarios=scenarios,
        cells=cells,
        timer=Timer(watch=gpu, calibration=gpu.calibration, effort=Effort(warmups=1, launches=2, calibrations=1)),
        make_experts=gpu.make,  # type: ignore[arg-type]
        open_candidate=in_process,  # type: ignore[arg-type]
        limits=Limits(wall_s=1.0, cpu_s=1.0, call_wall_s=1.0),
    )


def test_the_slots_get_every_token_of_the_layer() -> None:
    scenario = a_scenario()
    served, _ = scenario.serve(InProcessCandidate(STATIC), MODELLED)
    cells = draw_cells(scenario, 12, np.random.default_rng(0))
    loads = slot_loads(scenario, served, cells)
    assert loads.counts_CGS.shape == (12, 8, 3)
    for cell, counts in zip(cells, loads.counts_CGS, strict=True):
        tokens = scenario.course.loads(scenario.course.windows[cell.window])[cell.iteration, cell.layer].sum()
        assert tokens <= counts.sum() <= tokens + counts.size


def test_what_is_simulated_is_the_cost_model_s_expert_time() -> None:
    """Over all cells, the busiest GPU's time is what the scenario itself reports as compute, less its fixed part."""
    scenario = a_scenario()
    served, _ = scenario.serve(InProcessCandidate(SHIFTING), MODELLED)
    loads = slot_loads(scenario, served, draw_cells(scenario, 10**6, np.random.default_rng(0)))
    layers, fixed_us = scenario.system.layers, scenario.system.fixed_us
    reported = np.mean([window.balanced_us + window.imbalance_us for window in served]) / layers - fixed_us
    assert loads.simulated_us_CG.max(axis=1).mean() == pytest.approx(reported)


def test_the_busiest_gpu_is_among_those_timed() -> None:
    scenario = a_scenario()
    served, _ = scenario.serve(InProcessCandidate(STATIC), MODELLED)
    loads = slot_loads(scenario, served, draw_cells(scenario, 12, np.random.default_rng(0)))
    for cell in range(12):
        assert int(loads.simulated_us_CG[cell].argmax()) in loads.suspects(cell)
        assert int(loads.counts_CGS[cell].sum(axis=1).argmax()) in loads.suspects(cell)


def test_a_gpu_like_the_model_gives_the_same_order() -> None:
    gpu = MadeUpGpu()
    programs = {"static": STATIC, "shifting": SHIFTING, "other": OTHER}
    result = a_replay(gpu, programs, [a_scenario(), a_scenario(seed=1)]).run()
    assert result.correlation == pytest.approx(1.0)
    assert all(entry.timed_us == pytest.approx(7 * entry.simulated_us) for entry in result.replayed)
    assert not result.left_out
    assert len(result.replayed) == 6
    assert gpu.given


def test_equal_plans_are_timed_once_and_tie() -> None:
    one, two = MadeUpGpu(), MadeUpGpu()
    alone = a_replay(one, {"static": STATIC}, [a_scenario()]).run()
    twins = a_replay(two, {"static": STATIC, "twin": STATIC + "# another text"}, [a_scenario()]).run()
    assert one.given == two.given
    assert {entry.timed_us for entry in twins.replayed} == {entry.timed_us for entry in alone.replayed}


def test_programs_that_cannot_be_replayed_are_left_out_and_named() -> None:
    programs = {"static": STATIC, "sharded": SHARDED, "broken": BROKEN}
    result = a_replay(MadeUpGpu(), programs, [a_scenario()]).run()
    assert set(result.left_out) == {"sharded", "broken"}
    assert {entry.program for entry in result.replayed} == {"static"}
    text = report(result.replayed, result.left_out)
    assert "left out: sharded: its experts are cut over all GPUs" in text
    assert "left out: broken: crashed on scene" in text


def test_ranks_share_ties_and_say_when_there_is_no_order() -> None:
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1.0)
    assert rank_correlation([1, 2, 3, 4], [40, 30, 20, 10]) == pytest.approx(-1.0)
    assert rank_correlation([1, 2, 2, 3], [1, 3, 2, 4]) == pytest.approx(0.9486833)
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None
    assert rank_correlation([1], [2]) is None


def test_scenarios_count_alike_however_long_they_take() -> None:
    replayed = [
        Replayed(scenario="short", program="a", simulated_us=1.0, timed_us=3.0),
        Replayed(scenario="short", program="b", simulated_us=3.0, timed_us=1.0),
        Replayed(scenario="long", program="a", simulated_us=300.0, timed_us=100.0),
        Replayed(scenario="long", program="b", simulated_us=100.0, timed_us=300.0),
    ]
    assert overall(replayed) == {"a": (1.0, 1.0), "b": (1.0, 1.0)}
    assert "none (all alike)" in report(replayed, {})
    assert "short: rank correlation -1.000" in report(replayed, {})


def test_without_a_gpu_nothing_is_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    torch = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False))
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert replay.main(["--programs", "nowhere.py"]) == 1
    said = capsys.readouterr()
    assert said.err == "error: replaying on kernels needs a CUDA GPU, and torch sees none on this machine\n"
    assert said.out == ""


def test_without_torch_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert replay.main(["--programs", "nowhere.py"]) == 1
    assert "pip install 'evenkeel[torch]'" in capsys.readouterr().err


def test_the_expert_is_the_problem_s() -> None:
    size = replay.expert_of({"hidden": 512, "intermediate": 128}, "bfloat16")
    assert (size.width, size.expert_width) == (512, 128)
