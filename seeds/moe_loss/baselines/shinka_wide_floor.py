"""The loss that ShinkaEvolve found, with a gradient for its hinge and ten times the floor (second-hand accounts).

Source: Lange et al., "ShinkaEvolve", arXiv 2509.19349, section 4.4, equation 1.
"""

import math

import torch

COEFFICIENT = 0.1
SHARE_OF_HINGE = 0.1
TAU = 0.64  # over E


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    own = share.mean(0)
    mean = g[1] / g[1].sum() + own - own.detach()  # of the whole batch, with this micro-batch's gradient
    entropy = -(mean * torch.log(mean.clamp_min(1e-9))).sum()
    strength = 0.5 + 1.0 - entropy / math.log(b.num_experts)
    hinge = torch.clamp(TAU / b.num_experts - (g[0] + own - own.detach()), min=0.0).sum()
    balance = b.num_experts * (g[0] * own).sum()
    return COEFFICIENT * (balance + SHARE_OF_HINGE * strength * hinge)
