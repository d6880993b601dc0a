"""No loss: in training, selection by a transport plan with even columns, found by Sinkhorn's iteration.

In validation the plain scores select. The source does not renormalise gates, and the task does.

Source: Clark et al., "Unified Scaling Laws for Routed Language Models" (S-BASE), arXiv 2202.01169.
"""

import torch

ITERATIONS = 12


def select(b, state):
    """The plan, in logarithms; it is made of one micro-batch."""
    if not b.training:
        return b.probs
    plan = b.logits - b.logits.amax()
    for _ in range(ITERATIONS):
        plan = plan - torch.logsumexp(plan, dim=0, keepdim=True)
        plan = plan - torch.logsumexp(plan, dim=1, keepdim=True)
    return plan


def loss(b, g, state):
    """The task's interface."""
    return b.logits.sum() * 0
