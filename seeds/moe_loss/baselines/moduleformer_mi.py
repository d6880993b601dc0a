"""Maximises the information that a token carries about its expert: even on the whole, sure for each token.

Source: Shen et al., "ModuleFormer", arXiv 2306.04640: conditional entropy less marginal entropy.
"""

import torch

COEFFICIENT = 0.1


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    own = share.mean(0)
    mean = g[1] / g[1].sum() + own - own.detach()
    marginal = -(mean * torch.log(mean.clamp_min(1e-9))).sum()
    conditional = -(share * torch.log(share.clamp_min(1e-9))).sum(-1).mean()
    return COEFFICIENT * (conditional - marginal)
