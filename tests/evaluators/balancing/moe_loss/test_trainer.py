"""The model and the training: exact gradients, exact global statistics, the same bits again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="moe_loss trains with torch, which is not installed here")

from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

from evaluators.adapters.hosting import hosted  # noqa: E402
from evaluators.balancing.moe_loss.balancer import Balancer, StepView  # noqa: E402
from evaluators.balancing.moe_loss.checks import StepChecks  # noqa: E402
from evaluators.balancing.moe_loss.hosting import HOST, OwnLoss, reference_source  # noqa: E402
from evaluators.balancing.moe_loss.model import Model  # noqa: E402
from evaluators.balancing.moe_loss.rules import MOST_GRADIENT_RATIO  # noqa: E402
from evaluators.balancing.moe_loss.task import TASK  # noqa: E402
from evaluators.balancing.moe_loss.trainer import learning_rate, train, weight_stream  # noqa: E402
from evaluators.balancing.moe_loss.training import reference, run  # noqa: E402
from evaluators.contract import Limits, Tier  # noqa: E402
from evaluators.problem import ClockPolicy  # noqa: E402
from evaluators.sandbox.client import Sandbox  # noqa: E402
from tests.evaluators.balancing.moe_loss.losses import (  # noqa: E402
    COURSE,
    GLOBAL,
    NONE,
    SHAPE,
    a_balancer,
    a_recipe,
    a_scenario,
    in_process,
)

LIMITS = TASK.limits[Tier.QUICK]


def a_view(seed: int = 0, experts: int = 8, top_k: int = 2) -> StepView:
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((2, 4, 32, experts), dtype=np.float32)
    return StepView(
        logits_LMTE=logits,
        chosen_LMTK=np.argsort(-logits, axis=-1)[..., :top_k].astype(np.int16),
        selection_LMTE=None,
        router_LED=rng.standard_normal((2, experts, 16), dtype=np.float32),
    )


def test_the_gradient_is_that_of_the_global_loss_taken_at_once() -> None:
    view = a_view()
    found = a_balancer(GLOBAL).losses(view, 0)
    z = torch.from_numpy(view.logits_LMTE).double().requires_grad_()
    counts = np.stack([np.bincount(layer.ravel(), minlength=8) for layer in view.chosen_LMTK])
    f_LE = torch.from_numpy(counts / counts.sum(1, keepdims=True))
    loss = (0.1 * 8 * (f_LE * z.softmax(-1).mean((1, 2))).sum(1)).mean()
    loss.backward()
    assert found.grad_LMTE is not None
    assert np.abs(found.grad_LMTE - z.grad.numpy()).max() < 1e-6 * np.abs(z.grad.numpy()).max() + 1e-9
    assert found.loss_L.mean() == pytest.approx(loss.item(), rel=1e-6)


def test_the_gradient_of_the_routers_weight_comes_back() -> None:
    view = a_view()
    source = "def loss(b, g, state):\n    return (b.router_weight @ b.router_weight.T).square().sum()\n"
    found = a_balancer(source).losses(view, 0)
    weight = torch.from_numpy(view.router_LED).double().requires_grad_()
    (weight @ weight.transpose(1, 2)).square().sum().div(2).backward()
    assert found.router_grad_LED is not None
    assert found.router_grad_LED == pytest.approx(weight.grad.numpy(), rel=1e-4, abs=1e-4)
    assert found.grad_LMTE is None


def test_running_statistics_are_those_of_the_micro_batches_so_far() -> None:
    source = "def loss(b, g, state):\n    return (b.logits * 0 + b.g_run[0]).sum()\n"
    at_once = "def loss(b, g, state):\n    return (b.logits * 0 + g[0]).sum()\n"
    single = replace(COURSE, sequences=2, micro_batches=1)
    view = a_view()
    one = replace(view, logits_LMTE=view.logits_LMTE[:, :1], chosen_LMTK=view.chosen_LMTK[:, :1])
    assert a_balancer(source, course=single).losses(one, 0).loss_L == pytest.approx(
        a_balancer(at_once, course=single).losses(one, 0).loss_L
    )


def test_experts_mix_as_a_loop_over_them_would() -> None:
    model = Model(SHAPE, torch.Generator().manual_seed(1))
    text = torch.randint(0, 128, (3, 16), generator=torch.Generator().manual_seed(2))
    seen: list[Tensor] = []

    def select(layer: int, logits: Tensor, scores: Tensor) -> Tensor:
        seen.append(scores)
        return scores

    rows = torch.randn(48, SHAPE.d_model, generator=torch.Generator().manual_seed(3))
    mixed, routing = model._experts(0, rows, select)
    expected = torch.zeros_like(mixed)
    for row in range(48):
        gates = seen[0][row][routing.chosen_RK[row]]
        for gate, expert in zip(gates / gates.sum(), routing.chosen_RK[row], strict=True):
            up, value = (rows[row] @ model.parameters["0.up"][expert]).chunk(2)
            expected[row] += gate * (functional.silu(up) * value) @ model.parameters["0.down"][expert]
    assert torch.allclose(mixed, expected, atol=1e-5)
    logits, _ = model.forward(text, None)
    changed = text.clone()
    changed[:, 9:] = 0
    assert torch.allclose(model.forward(changed, None)[0][:, :9], logits[:, :9], atol=1e-6)  # it is causal


def test_a_training_repeats_to_the_bit_and_another_seed_does_not() -> None:
    recipe = a_recipe()
    first, again, other = (train(SHAPE, COURSE, recipe.data(), seed, a_balancer(GLOBAL)).nats_N for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_training_learns() -> None:
    recipe = a_recipe(course=replace(COURSE, steps=60))
    trained = train(SHAPE, recipe.course, recipe.data(), 3, a_balancer(GLOBAL, course=recipe.course))
    assert trained.train_nats_P[0] == pytest.approx(np.log(128), abs=0.1)
    assert trained.nats_N.mean() < 3.9
    assert (trained.counts_PLME.sum(-1) == 2 * 16 * 2).all()


def test_routing_fluctuates_as_long_as_the_model_learns() -> None:
    courses = (replace(COURSE, learning_rate=0.0), replace(COURSE, steps=1), replace(COURSE, steps=40))
    still, alone, learning = (
        run(a_recipe(course=course), in_process(NONE), 1.0, a_scenario().times, 1).metrics["fluctuation"]
        for course in courses
    )
    assert still == alone == 0.0
    assert 0.0 < learning < 1.0


def test_balancing_balances_and_its_opposite_does_not() -> None:
    recipe = a_recipe(course=replace(COURSE, steps=60))
    even, none, uneven = (
        run(recipe, in_process(source), 1.0, a_scenario().times, 1).metrics["variation"]
        for source in (GLOBAL, NONE, GLOBAL.replace("0.1", "-0.1"))
    )
    assert even < 0.7 * none
    assert none < uneven


def test_the_reference_scores_nothing_at_any_strength_and_a_sandbox_changes_no_bit() -> None:
    scenario = a_scenario(strengths=(1 / 3, 1.0))
    with Sandbox.start(TASK.libraries) as sandbox, sandbox.candidate(hosted(GLOBAL, HOST), LIMITS) as candidate:
        sandboxed = scenario.play(candidate, ClockPolicy())
        view = a_view()
        there = Balancer(candidate, SHAPE, COURSE, seed=5).losses(view, 0)
    here = a_balancer(GLOBAL).losses(view, 0)
    assert there.grad_LMTE is not None
    assert here.grad_LMTE is not None
    assert np.abs(there.grad_LMTE - here.grad_LMTE).max() <= 1e-6 * np.abs(here.grad_LMTE).max()
    assert sandboxed.score == pytest.approx(0.0, abs=1e-6)
    assert scenario.play(in_process(GLOBAL), ClockPolicy()).score == pytest.approx(0.0, abs=1e-6)
    own = Balancer(OwnLoss(reference_source()), SHAPE, COURSE, seed=5).losses(view, 0)
    assert own.grad_LMTE is not None
    assert np.array_equal(own.grad_LMTE, here.grad_LMTE)


def test_what_select_was_asked_need_not_be_sent_again() -> None:
    view = a_view()
    selecting = "def select(b, state):\n    return 2.0 * b.probs\n" + GLOBAL.replace("g[0] *", "b.sel_scores.mean(0) *")
    balancer = a_balancer(selecting)
    scores = [balancer.select(logits, layer, 7, training=True) for layer, logits in enumerate(view.logits_LMTE)]
    whole = replace(view, selection_LMTE=np.stack(scores))
    sent, _ = balancer.peek(whole, 7, balancer.state)
    kept = balancer.losses(replace(whole, logits_LMTE=np.zeros_like(view.logits_LMTE)), 7)
    assert sent.grad_LMTE is not None
    assert kept.grad_LMTE is not None
    assert np.array_equal(sent.grad_LMTE, kept.grad_LMTE)
    later = balancer.losses(whole, 8)  # no selection was asked for in step 8, so all is sent
    assert later.grad_LMTE is not None
    assert np.array_equal(sent.grad_LMTE, later.grad_LMTE)


def test_the_best_of_the_strengths_counts_on_both_sides() -> None:
    scenario = a_scenario(strengths=(0.01, 1.0, 30.0))
    result = scenario.play(in_process(GLOBAL.replace("0.1", "0.3")), ClockPolicy())
    trained = [
        run(scenario.recipe, in_process(GLOBAL.replace("0.1", "0.3")), s, scenario.times, 5) for s in scenario.strengths
    ]
    zero = min(reference(scenario.recipe, s, scenario.times).iso_nats for s in scenario.strengths)
    assert result.score == pytest.approx(zero - min(m.iso_nats for m in trained), abs=1e-9)


def test_a_loss_on_the_routers_weight_is_tried_at_every_strength() -> None:
    source = "def loss(b, g, state):\n    return 0.01 * (b.router_weight @ b.router_weight.T).square().sum()\n"
    scenario = a_scenario(strengths=(0.01, 1.0, 30.0))
    trained = [run(scenario.recipe, in_process(source), s, scenario.times, 5) for s in scenario.strengths]
    assert len({m.iso_nats for m in trained}) == 3
    assert all(m.adds_gradient and m.metrics["gradient_ratio"] > 0.0 for m in trained)
    result = scenario.play(in_process(source), ClockPolicy())
    assert result.metrics["iso_nats"] == min(m.iso_nats for m in trained)


def first_router_gradient(source: str, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Of the last layer, in the first step, before it is clipped with all others."""
    kept: list[Tensor] = []
    clip, last = torch.nn.utils.clip_grad_norm_, f"{SHAPE.num_layers - 1}.router"
    place = list(Model(SHAPE, weight_stream(3)).parameters).index(last)

    def watched(weights: list[Tensor], most: float) -> Tensor:
        kept.append(weights[place].grad.clone())
        return clip(weights, most)

    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.utils, "clip_grad_norm_", watched)
        train(SHAPE, COURSE, a_recipe().data(), 3, a_balancer(source))
    return kept[0]


def test_a_gradient_at_the_logits_makes_no_room_for_one_at_the_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    at_logits, at_weight = "1e4 * b.logits.square().mean()", "1e4 * b.router_weight.square().sum()"
    none, one, both = (
        first_router_gradient(f"def loss(b, g, state):\n    return {loss}\n", monkeypatch)
        for loss in ("b.logits.sum() * 0", at_logits, f"{at_logits} + {at_weight}")
    )
    assert float((one - none).norm()) > 2 * float(none.norm())
    assert float((both - one).norm()) == pytest.approx(MOST_GRADIENT_RATIO * float(none.norm()), rel=1e-3)


def test_a_gradient_whose_norm_overflows_leaves_finite_metrics() -> None:
    source = "def loss(b, g, state):\n    return (b.step == 2) * 1e34 * b.logits.square().mean()\n"
    metrics = a_scenario(strengths=(3.0,)).play(in_process(source), ClockPolicy()).metrics
    assert np.isfinite(list(metrics.values())).all()


def test_validation_tokens_come_in_no_order_and_their_scores_go_back_to_them() -> None:
    selecting = NONE + "def select(b, state):\n    return b.logits.square()\n"
    recipe = a_recipe()
    balancer = a_balancer(selecting)
    checks = StepChecks(balancer, COURSE, 3)
    logits = a_view().logits_LMTE[0]
    assert np.array_equal(checks.blind_select(logits, 0, COURSE.steps), np.square(logits))
    asked = a_balancer(
        "import torch\n" + NONE + "def select(b, state):\n    return torch.arange(32.0)[:, None] + 0 * b.probs\n"
    )
    told = StepChecks(asked, COURSE, 3).blind_select(logits, 0, 1)
    assert not np.array_equal(told[0, :, 0], np.arange(32.0))
    assert train(SHAPE, COURSE, recipe.data(), 3, a_balancer(selecting)).nats_N.shape == (8,)


def test_what_adds_no_gradient_is_the_same_at_every_strength() -> None:
    selecting = NONE + "def select(b, state):\n    return b.probs.square()\n"
    scenario = a_scenario(strengths=(1.0, 3.0))
    alone, again = (run(scenario.recipe, in_process(selecting), s, scenario.times, 5) for s in (1.0, 3.0))
    assert alone == again
    assert scenario.play(in_process(selecting), ClockPolicy()).metrics["nats"] == alone.metrics["nats"]


@pytest.mark.parametrize("gate", ["softmax", "sigmoid"])
def test_gates_of_both_kinds_train(gate: str) -> None:
    result = a_scenario(replace(SHAPE, gate=gate, num_experts=6)).play(in_process(NONE), ClockPolicy())
    assert 0.0 < result.metrics["routing_entropy"] <= 1.0


def test_the_learning_rate_warms_up_and_falls() -> None:
    rates = [learning_rate(replace(COURSE, steps=100), step) for step in range(100)]
    assert rates[0] < rates[5] < rates[9] == COURSE.learning_rate
    assert rates[9] > rates[50] > rates[99] > 0.1 * COURSE.learning_rate * 0.99


def test_a_child_that_takes_too_much_memory_is_told_so() -> None:
    hog = "import torch\ndef loss(b, g, state):\n    return torch.zeros(1 << 30).sum() + b.logits.sum()\n"
    limits = Limits(wall_s=60.0, cpu_s=20.0, call_wall_s=30.0, memory_bytes=512 << 20)
    with (
        Sandbox.start(TASK.libraries) as sandbox,
        pytest.raises(Exception, match="memory"),
        sandbox.candidate(hosted(hog, HOST), limits) as candidate,
    ):
        a_scenario().play(candidate, ClockPolicy())
