"""Null experts and limited capacity: what reaches an expert, what it weighs, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="moe_loss trains with torch, which is not installed here")

from torch import Tensor  # noqa: E402

from evaluators.balancing.moe_loss import hosting, rules  # noqa: E402
from evaluators.balancing.moe_loss.balancer import expert_devices, expert_kinds  # noqa: E402
from evaluators.balancing.moe_loss.dispatch import combine_weights, copied, kept, to_working  # noqa: E402
from evaluators.balancing.moe_loss.model import Model  # noqa: E402
from evaluators.balancing.moe_loss.suite import SEARCH_REGIMES, model_shape  # noqa: E402
from evaluators.balancing.moe_loss.time_model import TimeModel  # noqa: E402
from evaluators.balancing.moe_loss.training import charged_share, reference  # noqa: E402
from evaluators.candidate import CandidateFailure  # noqa: E402
from evaluators.contract import ContractError  # noqa: E402
from evaluators.problem import ClockPolicy  # noqa: E402
from tests.evaluators.balancing.moe_loss.losses import GLOBAL, NONE, SHAPE, a_scenario, in_process  # noqa: E402

NULLS = replace(SHAPE, num_experts=12, null_experts=4)  # experts 8 .. 11 have no weights


def test_experts_that_give_zero_weigh_nothing_and_the_others_sum_to_one() -> None:
    scores = torch.rand((64, 12), generator=torch.Generator().manual_seed(0)) + 0.1
    chosen = torch.tensor([[0, 9], [9, 10], [3, 4]]).repeat(64, 1)[:64]
    gates = combine_weights(scores, chosen, NULLS)
    assert gates[0].tolist() == [1.0, 0.0]
    assert gates[1].tolist() == [0.0, 0.0]
    assert gates[2].sum().item() == pytest.approx(1.0)
    assert combine_weights(scores, chosen, replace(NULLS, null_kind="copy")).sum(1).tolist() == pytest.approx(
        [1.0] * 64
    )
    taken, weights = to_working(chosen, gates, NULLS)
    assert int(taken.max()) < 8
    assert weights[1].tolist() == [0.0, 0.0]


def test_experts_that_copy_add_what_they_got() -> None:
    rows = torch.randn((2, 16), generator=torch.Generator().manual_seed(0))
    chosen, gates = torch.tensor([[0, 9], [1, 2]]), torch.tensor([[0.7, 0.3], [0.5, 0.5]])
    added = copied(rows, chosen, gates, NULLS)
    assert torch.allclose(added[0], 0.3 * rows[0])
    assert not added[1].any()


def test_a_token_that_only_null_experts_take_passes_unchanged() -> None:
    model = Model(NULLS, torch.Generator().manual_seed(0))
    assert model.parameters["0.up"].shape[0] == 8
    rows = torch.randn((32, 16), generator=torch.Generator().manual_seed(1))

    def nulls(layer: int, logits: Tensor, scores: Tensor) -> Tensor:
        return scores + 10.0 * (torch.arange(12) >= 8)

    assert not model._experts(0, rows, nulls)[0].any()
    copying = Model(replace(NULLS, null_kind="copy"), torch.Generator().manual_seed(0))
    assert torch.allclose(copying._experts(0, rows, nulls)[0], rows, atol=1e-6)


def test_beyond_capacity_the_smallest_gates_are_dropped() -> None:
    shape = replace(SHAPE, num_experts=4, capacity=1.0)  # an even share of 6 tokens with 2 choices is 3
    assert shape.capacity_tokens(6) == 3
    chosen = torch.tensor([[0, 1], [0, 1], [0, 2], [0, 2], [0, 3], [0, 3]])
    first = torch.tensor([0.9, 0.6, 0.8, 0.55, 0.7, 0.5])
    found = kept(chosen, torch.stack([first, 1 - first], dim=1), shape)
    assert found[:, 0].tolist() == [True, False, True, False, True, False]
    assert found[:, 1].all()


def test_capacity_is_for_training_alone() -> None:
    model = Model(replace(SHAPE, capacity=0.5), torch.Generator().manual_seed(0))
    text = torch.randint(0, 128, (4, 16), generator=torch.Generator().manual_seed(1))
    dropless = Model(SHAPE, torch.Generator().manual_seed(0)).forward(text, None)[0]
    assert torch.equal(model.forward(text, None)[0], dropless)
    assert not torch.equal(model.forward(text, None, dropping=True)[0], dropless)


@pytest.mark.parametrize("kind", ["zero", "copy"])
def test_null_experts_are_a_budget_and_may_not_do_everything(kind: str) -> None:
    shape = replace(NULLS, null_kind=kind)
    result = a_scenario(shape).play(in_process(GLOBAL), ClockPolicy())
    assert result.score == pytest.approx(0.0, abs=1e-6)
    assert 0.1 < result.metrics["null_share"] < 0.7
    to_null = "def select(b, state):\n    return b.probs + 10.0 * (b.expert_kind > 0)\n" + NONE
    with pytest.raises(CandidateFailure, match="experts with weights took 0 % of the choices of a layer; expected at"):
        a_scenario(replace(shape, top_k=4)).play(in_process(to_null), ClockPolicy())


def test_experts_with_weights_are_charged_at_least_what_was_meant_for_them() -> None:
    done, worked, choices = np.array([0, 3, 5, 6, 9]), np.array([0, 3, 6, 6, 9]), np.full(5, 9)
    assert charged_share(done, worked, choices, 6 / 9).tolist() == pytest.approx([6 / 9, 6 / 9, 5 / 9, 6 / 9, 1.0])
    assert charged_share(done[1:], done[1:], done[1:], 1.0).tolist() == [1.0] * 4  # there are no null experts
    half = (
        "import torch\ndef select(b, state):\n"
        "    some = torch.arange(len(b.probs))[:, None] % 5 < b.training\n"
        "    return b.probs + 10.0 * ((b.expert_kind > 0) & some)\n" + NONE
    )
    scenario = replace(a_scenario(NULLS), times=TimeModel(expert_share=1.0))
    found = scenario.play(in_process(half), ClockPolicy()).metrics
    assert found["null_share"] > 1 - NULLS.working_share
    assert found["step_time"] >= NULLS.working_share


def test_a_reference_with_large_gradients_is_still_the_reference() -> None:
    scenario = a_scenario(replace(SHAPE, num_experts=72, null_experts=64))
    assert reference(scenario.recipe, 1.0, scenario.times).clipped > rules.MOST_CLIPPED
    assert scenario.play(in_process(GLOBAL), ClockPolicy()).score == pytest.approx(0.0, abs=1e-6)
    rules.require_moderate(0.45, of_reference=0.4)
    with pytest.raises(CandidateFailure, match="on 25 % of the steps; at most 20 % are allowed"):
        rules.require_moderate(0.25, of_reference=0.05)


def test_a_reference_that_fails_is_no_programs_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = a_scenario(replace(SHAPE, num_experts=9, null_experts=1))
    monkeypatch.setattr(hosting, "reference_source", lambda: "def loss(b, g, state):\n    return b.logits.sum() / 0\n")
    with pytest.raises(ContractError, match="reference loss cannot be trained with these settings .*null_experts=1"):
        reference(scenario.recipe, 1.0, scenario.times)


def test_dropping_caps_the_step_time() -> None:
    uneven = GLOBAL.replace("0.1", "-0.01")
    whole, capped = (
        a_scenario(replace(SHAPE, capacity=c)).play(in_process(uneven), ClockPolicy()).metrics for c in (0.0, 1.0)
    )
    assert capped["step_time"] <= 1.0 < whole["step_time"]
    assert capped["nats"] != whole["nats"]


def test_kinds_and_devices_are_told_to_programs() -> None:
    assert expert_kinds(replace(NULLS, null_kind="copy")).tolist() == [0] * 8 + [2] * 4
    assert expert_devices(NULLS).tolist() == [*range(8), 0, 1, 2, 3]
    shape = model_shape(SEARCH_REGIMES[0], {"null_experts": 6, "capacity": 1.25})
    assert (shape.num_experts, shape.working_experts, shape.capacity) == (22, 16, 1.25)
    assert np.array_equal(expert_kinds(SHAPE), np.zeros(8))
