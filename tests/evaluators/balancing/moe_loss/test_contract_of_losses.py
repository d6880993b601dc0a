"""What a program may not do, each with its outcome and one line that says so; and what it may."""

from __future__ import annotations

import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.problem import ClockPolicy

pytest.importorskip("torch", reason="moe_loss trains with torch, which is not installed here")

from tests.evaluators.balancing.moe_loss.losses import GLOBAL, NONE, a_balancer, a_scenario, in_process

IMPORT = "import torch\n"
# Knows the earlier question by its equal beginning, and then answers as before.
LOOKS_AHEAD = """
seen = {}
def select(b, state):
    scores = b.probs.clone()
    scores[:-1] = b.probs[1:]
    if b.training or b.step != b.total_steps:
        return scores
    for logits, before in seen.setdefault(b.layer, []):
        same = (logits == b.logits).all(-1).long().cumprod(0).bool()
        scores[same] = before[same]
    seen[b.layer].append((b.logits.clone(), scores.clone()))
    return scores
"""
BREACHES = {
    "reads targets": ("def loss(b, g, state):\n    return b.targets.sum()\n", "has no attribute 'targets'"),
    "detaches": ("def loss(b, g, state):\n    return b.probs.detach().sum()\n", "loss has no gradient"),
    "mutates what it is given": (
        "def loss(b, g, state):\n    g.mul_(2)\n    return b.logits.sum() * 0\n",
        "must not change",
    ),
    "mutates by .data": (
        "def loss(b, g, state):\n    b.logits.data.mul_(2)\n    return b.logits.sum() * 0\n",
        "must not change",
    ),
    "mutates the state": (
        IMPORT + "def init_state(cfg):\n    return {'n': torch.zeros(1)}\n"
        "def loss(b, g, state):\n    state['n'] += 1\n    return b.logits.sum() * 0\n",
        "only update may change the state",
    ),
    "draws from torch's generator": (
        IMPORT + "def loss(b, g, state):\n    return (b.probs * torch.rand(b.probs.shape)).sum() * 1e-3\n",
        "from b.gen only",
    ),
    "remembers in a global": (
        "seen = []\ndef loss(b, g, state):\n    seen.append(1)\n    return b.probs.square().sum() * 1e-5 * len(seen)\n",
        "(another gradient for the same batch|all experts alike)",
    ),
    "remembers the step before": (
        "last = {}\ndef loss(b, g, state):\n    old = last.get(b.layer, g[0])\n    last[b.layer] = g[0]\n"
        "    return 0.1 * (old * b.probs.mean(0)).sum()\n",
        "(another gradient for the same batch|all experts alike)",
    ),
    "is no scalar": ("def loss(b, g, state):\n    return b.probs.mean(0)\n", "scalar float32 tensor, found"),
    "is a float": ("def loss(b, g, state):\n    return 0.0\n", "found float"),
    "gives NaN": ("def loss(b, g, state):\n    return (b.probs - b.probs).sqrt().sum()\n", "must be finite"),
    "overflows on large logits": ("def loss(b, g, state):\n    return b.logits.exp().exp().mean()\n", "must be finite"),
    "explodes": ("def loss(b, g, state):\n    return 1e4 * (g[0] * b.probs.mean(0)).sum()\n", "on 100 % of the steps"),
    "names experts": ("def loss(b, g, state):\n    return b.probs[:, 0].mean()\n", "must treat all experts alike"),
    "names experts in the router's weight": (
        IMPORT + "def loss(b, g, state):\n    number = torch.arange(8.0)[:, None]\n"
        "    return (number * b.router_weight.square()).sum() * 1e-4\n",
        "loss must treat all experts alike",
    ),
    "explodes in the router's weight": (
        "def loss(b, g, state):\n    return 1e4 * b.router_weight.square().sum()\n",
        "on 100 % of the steps",
    ),
    "remembers a gradient of the router's weight": (
        "seen = {}\ndef loss(b, g, state):\n    n = seen[b.step] = seen.get(b.step, len(seen))\n"
        "    return b.router_weight.square().sum() * 1e-4 * (1 + n)\n",
        "another gradient for the same batch",
    ),
    "selects by number": (
        IMPORT + NONE + "def select(b, state):\n    return b.probs + 1e-3 * (torch.arange(8) == 0)\n",
        "select must treat all experts alike",
    ),
    "remembers what it selected": (
        "seen = {}\n" + NONE + "def select(b, state):\n    old = seen.setdefault(b.layer, 0 * b.probs[0])\n"
        "    if b.training:\n        old += b.probs.mean(0)\n    return b.probs - 0.05 * old\n",
        "select gave other scores for the same batch",
    ),
    "looks ahead and remembers what it was asked": (
        IMPORT + NONE + LOOKS_AHEAD,
        "select looked ahead",
    ),
    "looks ahead": (
        NONE + "def select(b, state):\n    return b.probs + b.probs.flip(0).cumsum(0).flip(0)\n",
        "select looked ahead",
    ),
    "looks ahead where it counts only": (
        NONE + "def select(b, state):\n    ahead = b.probs.flip(0).cumsum(0).flip(0)\n"
        "    return b.probs + (ahead if b.step == b.total_steps else 0)\n",
        "select looked ahead",
    ),
    "selects NaN": (NONE + "def select(b, state):\n    return b.probs / 0 - b.probs / 0\n", "must not return NaN"),
    "selects too little": (NONE + "def select(b, state):\n    return b.probs[:1]\n", r"tensor of shape \(32, 8\)"),
    "has a large state": (
        IMPORT + NONE + "def init_state(cfg):\n    return {'m': torch.zeros(1000)}\n",
        "may hold 256 values, found 1000",
    ),
    "renames its state": (
        IMPORT + NONE + "def init_state(cfg):\n    return {'m': torch.zeros(2)}\n"
        "def update(g, state, step):\n    state['n'] = state.pop('m')\n",
        "keep the names and the shapes",
    ),
    "has statistics of a wrong shape": (NONE + "def stats(b, state):\n    return b.counts\n", r"shape \(S, 8\)"),
    "has no loss": ("def balance(b):\n    return 0\n", "must define the function loss"),
    "is no Python": ("def loss(b, g, state)\n    return 0\n", "syntax error at line 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_has_its_outcome_and_one_line(name: str) -> None:
    source, line = BREACHES[name]
    with pytest.raises(CandidateFailure, match=line) as failure:
        a_scenario().play(in_process(source), ClockPolicy())
    expected = Outcome.CRASHED if name == "reads targets" else Outcome.INVALID
    assert failure.value.outcome is expected
    assert "\n" not in failure.value.detail


def test_state_moves_by_update_alone_and_comes_back() -> None:
    counting = (
        IMPORT + NONE + "def init_state(cfg):\n    return {'a': torch.zeros(cfg.num_layers, 3), 'b': torch.ones(2)}\n"
        "def update(g, state, step):\n    state['a'] += step + 1\n    state['b'] = state['b'] * 2\n"
    )
    balancer = a_balancer(counting)
    assert balancer.state[:8].tolist() == [0] * 6 + [1, 1]
    result = a_scenario().play(in_process(counting), ClockPolicy())
    assert result.outcome is Outcome.SCORED


def test_randomness_from_its_generator_is_allowed() -> None:
    noisy = (
        IMPORT + "def select(b, state):\n    if not b.training:\n        return b.probs\n"
        "    return b.probs + 0.01 * torch.randn(b.probs.shape, generator=b.gen)\n" + GLOBAL
    )
    first, second = (a_scenario().play(in_process(noisy), ClockPolicy()) for _ in range(2))
    assert first == second
    assert first.score != 0.0


def test_a_loss_may_depend_on_the_device_of_an_expert() -> None:
    grouped = (
        IMPORT + "def loss(b, g, state):\n    zeros = torch.zeros(int(b.expert_group.max()) + 1)\n"
        "    load = zeros.index_add(0, b.expert_group, g[0])\n"
        "    return 0.1 * (load * zeros.index_add(0, b.expert_group, b.probs.mean(0))).sum()\n"
    )
    assert a_scenario().play(in_process(grouped), ClockPolicy()).outcome is Outcome.SCORED
