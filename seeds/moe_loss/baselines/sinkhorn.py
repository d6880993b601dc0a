"""No loss: in training, selection by a transport plan with even columns, found by Sinkhorn's iteration.

In validation the plain scores select. The source does not renormalise gates, and the task does.

Source: Clark et al., "Unified Scaling Laws for Routed Language Models" (S-BASE), arXiv 2202.01169.
"""

import torch

ITERATIONS = 8


def select(b, state):
    """The plan, up to a factor per token; it is made of one micro-batch."""
    if not b.training:
        return b.probs
    affinity = torch.exp(b.logits - b.logits.amax(dim=1, keepdim=True))
    tokens = torch.ones(len(affinity))
    for _ in range(ITERATIONS):
        experts = 1.0 / (tokens @ affinity).clamp_min(1e-30)
        tokens = 1.0 / (affinity @ experts)
    return affinity * experts


def loss(b, g, state):
    """The task's interface."""
    return b.logits.sum() * 0
