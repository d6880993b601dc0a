"""Squared variation of importance and load, each weighted with what an expert's token costs: slow ones get fewer.

The load is the soft count of tokens whose logit is above the k-th best. Experts cost the same unless the task says
otherwise; then it is a softer relative of the importance loss.

Source: You et al., "ShiftAddViT", arXiv 2306.06446, there for two kinds of experts and with Shazeer's noisy load.
"""

import torch

WEIGHT = 0.03


def squared_variation(x):
    """Variance over squared mean."""
    return x.var(unbiased=False) / x.mean().square()


def loss(b, g, state):
    """The task's interface."""
    best = b.logits.detach().topk(b.top_k + 1, dim=-1).values[:, -2:].mean(-1, keepdim=True)
    load = torch.sigmoid((b.logits - best) * b.num_experts).sum(0)
    importance = torch.zeros(b.num_experts).index_add(0, b.topk_idx.flatten(), b.gates.flatten())
    return WEIGHT * (squared_variation(b.expert_cost * importance) + squared_variation(b.expert_cost * load))
