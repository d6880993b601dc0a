"""Squared coefficient of variation of the experts' importance: the sum of their gates in the micro-batch.

Source: Shazeer et al., "Outrageously Large Neural Networks", arXiv 1701.06538, the importance loss with weight 0.1. Its
twin over smoothed loads needs noisy selection and is left out.
"""

import torch

WEIGHT = 0.1


def loss(b, g, state):
    """The task's interface."""
    importance = torch.zeros(b.num_experts).index_add(0, b.topk_idx.flatten(), b.gates.flatten())
    return WEIGHT * importance.var(unbiased=False) / importance.mean().square()
