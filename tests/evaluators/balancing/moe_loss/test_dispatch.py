"""Null experts and limited capacity: what reaches an expert, what it weighs, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="moe_loss trains with torch, which is not installed here")

from torch import Tensor  # noqa: E402

from evaluators.balancing.moe_loss.balancer import expert_devices, expert_kinds  # noqa: E402
from evaluators.balancing.moe_loss.dispatch import combine_weights, copied, kept, to_working  # noqa: E402
from evaluators.balancing.moe_loss.model import Model  # noqa: E402
from evaluators.balancing.moe_loss.suite import SEARCH_REGIMES, model_shape  # noqa: E402
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
def test_what_null_experts_take_costs_no_time(kind: str) -> None:
    shape = replace(NULLS, null_kind=kind)
    result = a_scenario(shape).play(in_process(GLOBAL), ClockPolicy())
    assert result.score == pytest.approx(0.0, abs=1e-6)
    assert 0.1 < result.metrics["null_share"] < 0.7
    to_null = "def select(b, state):\n    return b.probs + 10.0 * (b.expert_kind > 0)\n" + NONE
    spared = a_scenario(replace(shape, top_k=4)).play(in_process(to_null), ClockPolicy())
    assert spared.metrics["null_share"] == 1.0
    assert spared.metrics["step_time"] == pytest.approx(0.5)  # all but the experts' share


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
