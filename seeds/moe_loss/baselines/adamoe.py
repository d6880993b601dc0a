"""Global-batch load balancing in which null experts count as a group: each has the mean share of all of them.

How tokens spread over them is nobody's concern. Without null experts (`--set null_experts=8`) it is the reference.

Source: Zeng et al., "AdaMoE", arXiv 2406.13233, there per micro-batch and with coefficient 1e-3.
"""

import torch

COEFFICIENT = 0.1


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    null = (b.expert_kind > 0).to(torch.float32)
    mean = (g[0] * null).sum() / null.sum().clamp_min(1.0)
    counted = torch.where(null > 0, mean, g[0])
    return COEFFICIENT * b.num_experts * (counted * share.mean(0)).sum()
