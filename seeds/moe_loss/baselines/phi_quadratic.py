"""Balances a running mean of the probabilities by its square: load balancing with soft loads that lag behind.

The published update was not at hand; this is one reading of its abstract, with half of the squared norm as the convex
function.

Source: "phi-balancing", arXiv 2605.15403 (abstract).
"""

import torch

COEFFICIENT = 0.1
KEEP = 0.8


def init_state(cfg):
    """A running mean of the probabilities, even at first."""
    return {"mean": torch.full((cfg.num_layers, cfg.num_experts), 1.0 / cfg.num_experts)}


def update(g, state, step):
    """Move it on by the batch's."""
    batch = g[:, 1] / g[:, 1].sum(1, keepdim=True)
    state["mean"].mul_(KEEP).add_((1 - KEEP) * batch)


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    return COEFFICIENT * b.num_experts * (state["mean"][b.layer] * share.mean(0)).sum()
