"""Noisy selection, with the squared variation of importance and of a smooth estimate of the load.

An expert's load is the sum over tokens of the chance that it is chosen when its own noise is drawn again. The source
learns the noise's size for each token; here it is fixed at 1/E, as Tutel has it, and gates do not see the noise. So
small a noise makes the load steep: at the source's weight of 0.1 the gradient is refused here.

Source: Shazeer et al., "Outrageously Large Neural Networks", arXiv 1701.06538, both losses.
"""

import math

import torch

WEIGHT = 0.003


def select(b, state):
    """Logits, with noise in training."""
    if not b.training:
        return b.logits
    return b.logits + torch.randn(b.logits.shape, generator=b.gen) / b.num_experts


def squared_variation(x):
    """Variance over squared mean."""
    return x.var(unbiased=False) / x.mean().square()


def loss(b, g, state):
    """The task's interface."""
    best = b.sel_scores.topk(b.top_k + 1, dim=-1).values
    last_in, first_out = best[:, -2:-1], best[:, -1:]
    bar = torch.where(b.sel_scores > first_out, first_out, last_in)  # what an expert must beat among the others
    chance = 0.5 * (1.0 + torch.erf((b.logits - bar) * b.num_experts / math.sqrt(2.0)))
    importance = torch.zeros(b.num_experts).index_add(0, b.topk_idx.flatten(), b.gates.flatten())
    return WEIGHT * (squared_variation(importance) + squared_variation(chance.sum(0) + 1e-6))
