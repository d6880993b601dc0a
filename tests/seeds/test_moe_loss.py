"""The programs of `seeds/moe_loss`: valid, cited, and each the method that it names."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evaluators.balancing.moe_loss.balancer import Floats, StepView
from evaluators.balancing.moe_loss.shape import Shape
from evaluators.balancing.moe_loss.task import TASK
from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.problem import ClockPolicy
from tests.evaluators.balancing.moe_loss.losses import SHAPE, a_balancer, a_scenario, in_process

SEEDS = Path(__file__).parents[2] / "seeds" / "moe_loss"
BASELINES = sorted((SEEDS / "baselines").glob("*.py"))
CONTROLS = sorted((SEEDS / "baselines" / "controls").glob("*.py"))
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in (SEEDS / "initial.py", *BASELINES, *CONTROLS)}
SETTINGS = ("COEFFICIENT = 0.1", "LATE = 1.0", "GLOBAL = 1.0", "POWER = 1.0", "FLOOR = 0.0", "Z = 0.0")


def with_torch() -> None:
    pytest.importorskip("torch", reason="moe_loss trains with torch, which is not installed here")


def a_view(router: float = 1.0, seed: int = 0) -> StepView:
    """Uneven logits, so that every term of a loss has something to say; the last expert is hardly ever chosen."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((2, 4, 32, 8), dtype=np.float32) + np.linspace(1, -1, 8, dtype=np.float32)
    logits[..., -1] -= 5
    return StepView(
        logits_LMTE=logits,
        chosen_LMTK=np.argsort(-logits, axis=-1)[..., :2].astype(np.int16),
        selection_LMTE=None,
        router_LED=(router * rng.standard_normal((2, 8, 16))).astype(np.float32),
    )


def gradient(name: str, old: str = "", new: str = "") -> Floats:
    assert old in SOURCES[name]
    balancer = a_balancer(SOURCES[name].replace(old, new) if old else SOURCES[name])
    view = a_view()
    if balancer.selects:
        view = replace(view, selection_LMTE=view.logits_LMTE)
    found = balancer.losses(view, 2).grad_LMTE
    return np.zeros_like(view.logits_LMTE) if found is None else found


@pytest.mark.parametrize("name", SOURCES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_the_weak_baseline_is_there() -> None:
    assert TASK.weak_baseline in {path.stem for path in BASELINES}


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "huge_coefficient"])
def test_every_program_is_scored_with_both_gates(name: str) -> None:
    with_torch()
    for gate in ("softmax", "sigmoid"):
        result = a_scenario(replace(SHAPE, gate=gate)).play(in_process(SOURCES[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED


def test_a_huge_coefficient_is_refused() -> None:
    with_torch()
    with pytest.raises(CandidateFailure, match="more than 10 times"):
        a_scenario().play(in_process(SOURCES["huge_coefficient"]), ClockPolicy())


def test_the_initial_program_is_global_balancing_with_room_to_evolve() -> None:
    with_torch()
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
    assert gradient("initial") == pytest.approx(gradient("global_batch_lbl"), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_constant_of_the_initial_program_decides_something(setting: str) -> None:
    with_torch()
    name = setting.partition(" ")[0]
    changed = gradient("initial", setting, f"{name} = 0.5")
    assert np.abs(changed - gradient("initial")).max() > 1e-7


def test_shares_of_the_batch_and_of_the_micro_batch_differ() -> None:
    with_torch()
    found = {name: gradient(name) for name in ("global_batch_lbl", "micro_batch_lbl", "buffer_lbl", "sequence_lbl")}
    names = list(found)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert np.abs(found[one] - found[other]).max() > 1e-6
    assert found["buffer_lbl"][:, -1] == pytest.approx(found["global_batch_lbl"][:, -1], rel=1e-4, abs=1e-9)
    assert found["buffer_lbl"][:, 0] == pytest.approx(found["micro_batch_lbl"][:, 0], rel=1e-4, abs=1e-9)


def test_a_straight_through_hinge_lifts_a_starved_expert() -> None:
    with_torch()
    plain = gradient("global_batch_lbl")[..., -1].sum()
    paper, straight, wide = (
        plain - gradient(f"shinka_{reading}")[..., -1].sum() for reading in ("paper", "straight_through", "wide_floor")
    )
    assert 0 <= paper < 0.1 * straight  # the printed hinge acts through its scale alone
    assert straight <= wide


WITHOUT_A_LOSS = (
    "none",
    "constant",
    "sinkhorn",
    "loss_free_bias",
    "quantile_balancing",
    "phi_selection",
    "longcat_bias",
)
BALANCING_NULLS = ("global_batch_lbl", "adamoe", "moe_plus_plus")
BIASES = ("loss_free_bias", "quantile_balancing", "phi_selection", "longcat_bias", "deepseek_v3")


@pytest.mark.parametrize("name", WITHOUT_A_LOSS)
def test_programs_without_a_loss_have_no_gradient(name: str) -> None:
    with_torch()
    assert not gradient(name).any()


@pytest.mark.parametrize("name", BIASES)
def test_biases_move_against_the_load(name: str) -> None:
    with_torch()
    balancer, view = a_balancer(SOURCES[name]), a_view()
    view = replace(view, selection_LMTE=view.logits_LMTE)
    before = balancer.select(view.logits_LMTE[0], 0, 0, training=True)
    view = replace(view, selection_LMTE=np.stack([before, before]))
    for step in range(10):
        balancer.losses(view, step)
    change = (balancer.select(view.logits_LMTE[0], 0, 10, training=True) - before).mean((0, 1))
    assert change[0] < 0 < change[-1]


def test_sinkhorn_evens_out_training_and_leaves_validation_alone() -> None:
    with_torch()
    balancer, logits = a_balancer(SOURCES["sinkhorn"]), a_view().logits_LMTE[0]
    plan = balancer.select(logits, 0, 0, training=True)
    share = np.bincount(plan.argmax(-1).ravel(), minlength=8) / plan[..., 0].size
    assert share.max() < 0.25
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert balancer.select(logits, 0, 0, training=False) == pytest.approx(probs, rel=1e-5)


def test_grouped_experts_give_each_group_one_choice() -> None:
    with_torch()
    scores = a_balancer(SOURCES["moge_groups"]).select(a_view().logits_LMTE[0], 0, 0, training=True)
    chosen = np.argsort(-scores, axis=-1)[..., :2]
    assert (np.sort(chosen // 4, axis=-1) == [0, 1]).all()


def test_the_controls_push_the_wrong_way() -> None:
    with_torch()
    assert gradient("negative_lbl") == pytest.approx(-gradient("global_batch_lbl"), rel=1e-5, abs=1e-9)
    sharper = gradient("entropy_maximisation")
    logits = a_view().logits_LMTE
    assert (sharper * logits).sum() > 0  # going against the gradient flattens the distributions


@pytest.mark.parametrize("name", ["cv2", "shazeer", "latency_weighted", "deepseek_v2", "phi_quadratic"])
def test_losses_take_from_the_busy_and_give_to_the_idle(name: str) -> None:
    with_torch()
    balancer, view = a_balancer(SOURCES[name]), a_view()
    selection = view.logits_LMTE if balancer.selects else None
    for step in range(3):
        found = balancer.losses(replace(view, selection_LMTE=selection), step).grad_LMTE
    assert found is not None
    pushed = found.sum((0, 1, 2))
    assert pushed[0] > 0 > pushed[-2]  # the last one is chosen so seldom that some losses hardly feel it


def test_noise_is_for_training_alone() -> None:
    with_torch()
    balancer, logits = a_balancer(SOURCES["shazeer"]), a_view().logits_LMTE[0]
    assert np.array_equal(balancer.select(logits, 0, 0, training=False), logits)
    noise = balancer.select(logits, 0, 0, training=True) - logits
    assert noise.std() == pytest.approx(1 / 8, rel=0.2)


def test_costly_experts_are_wanted_less() -> None:
    with_torch()
    import torch

    names: dict[str, Any] = {}
    exec(SOURCES["latency_weighted"], names)
    logits = torch.randn(256, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    probs = logits.softmax(-1)
    gates, chosen = probs.topk(2)
    cost = torch.tensor([2.0, 1.0, 0.5, 0.5])
    b = SimpleNamespace(logits=logits, top_k=2, num_experts=4, topk_idx=chosen, gates=gates, expert_cost=cost)
    (pushed,) = torch.autograd.grad(names["loss"](b, None, {}), logits)
    assert pushed[:, 0].sum() > 0 > pushed[:, 2:].sum()


def test_tokens_go_to_few_devices() -> None:
    with_torch()
    shape = replace(SHAPE, num_experts=32, top_k=4)  # two experts on each of sixteen devices
    logits = np.random.default_rng(0).standard_normal((4, 32, 32), dtype=np.float32)
    scores = a_balancer(SOURCES["deepseek_v2"], shape).select(logits, 0, 0, training=True)
    chosen = np.argsort(-scores, axis=-1)[..., :4] // 2
    assert max(len(set(devices)) for devices in chosen.reshape(-1, 4).tolist()) == 3
    assert len(set(np.argsort(-logits, axis=-1)[0, 0, :4] // 2)) >= 3  # without the limit there would be more


def test_a_router_with_orthogonal_rows_is_left_alone() -> None:
    with_torch()
    balancer = a_balancer(SOURCES["router_orthogonal"])
    rows = np.stack([3.0 * np.eye(8, 16), 0.1 * np.eye(8, 16)]).astype(np.float32)
    found = balancer.losses(replace(a_view(), router_LED=rows), 0)
    assert found.loss_L == pytest.approx(0.0, abs=1e-6)
    assert (balancer.losses(a_view(), 0).loss_L > 0.0005).all()


def test_gates_that_differ_between_tokens_are_rewarded() -> None:
    with_torch()
    balancer, view = a_balancer(SOURCES["gate_variance"]), a_view()
    same = replace(view, logits_LMTE=np.zeros_like(view.logits_LMTE) + view.logits_LMTE[:1, :1, :1])
    gain = [
        a_balancer(SOURCES["global_batch_lbl"]).losses(v, 0).loss_L.mean() - balancer.losses(v, 0).loss_L.mean()
        for v in (view, same)
    ]
    assert gain[0] > 1e-3
    assert gain[1] == pytest.approx(0.0, abs=1e-6)


def test_null_experts_count_as_a_group_or_less() -> None:
    with_torch()
    shape = replace(SHAPE, null_experts=4)  # the last four of eight
    view = a_view()
    probs = np.exp(view.logits_LMTE) / np.exp(view.logits_LMTE).sum(-1, keepdims=True)
    plain, group, less = (null_pressure(SOURCES[name], shape, view) / probs for name in BALANCING_NULLS)
    assert gradient("adamoe") == pytest.approx(gradient("global_batch_lbl"), rel=1e-5, abs=1e-9)
    assert gradient("moe_plus_plus") == pytest.approx(gradient("global_batch_lbl"), rel=1e-5, abs=1e-9)
    assert group[..., 4] == pytest.approx(group[..., 7], rel=1e-3, abs=1e-7)  # a busy and an idle null expert
    assert (plain[..., 4] > plain[..., 7] + 1e-5).all()
    assert (less[..., 4] - less[..., 0] < plain[..., 4] - plain[..., 0]).all()


def null_pressure(source: str, shape: Shape, view: StepView) -> Floats:
    found = a_balancer(source, shape).losses(view, 0).grad_LMTE
    assert found is not None
    return found
