"""A control that must rank below load balancing: it evens out each token's probabilities, not the loads.

Source: none; made to be bad.
"""

import torch

COEFFICIENT = 0.1


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    return COEFFICIENT * (share * torch.log(share.clamp_min(1e-9))).sum(-1).mean()
