"""No loss: a bias per expert at the quantile of its scores that would give it an even share, smoothed over steps.

A histogram of each expert's margins around its bias is averaged over the micro-batches; the share k/E of the tokens
with the largest margins is what the expert should get.

Source: Su, "Quantile Balancing" (kexue.fm/archives/11619), with the histogram and smoothing as further settings.
"""

import torch

BINS = 64
HALF_WIDTH = 0.25
KEEP = 0.9


def init_state(cfg):
    """A bias for each expert, and the share of tokens that it should get."""
    share = torch.tensor([cfg.top_k / cfg.num_experts])
    return {"bias": torch.zeros(cfg.num_layers, cfg.num_experts), "share": share}


def select(b, state):
    """Scores less the bias; gates do not see it."""
    return b.probs - state["bias"][b.layer]


def stats(b, state):
    """Shares of tokens, mean scores, then for each bin the share of tokens whose margin is there."""
    bias = state["bias"][b.layer]
    bar = (b.probs - bias).topk(b.top_k + 1, dim=-1).values[:, -1:]
    place = (b.probs - bar - bias + HALF_WIDTH) / (2 * HALF_WIDTH) * BINS
    bins = place.floor().clamp(-1, BINS).long() + 1
    histogram = torch.zeros(BINS + 2, b.num_experts).scatter_add_(0, bins, torch.ones_like(b.probs))
    return torch.cat([(b.counts / b.counts.sum())[None], b.probs.mean(0)[None], histogram / len(b.probs)])


def update(g, state, step):
    """The margin above which the wanted share of the tokens lies."""
    above = g[:, 2:].flip(1).cumsum(1).flip(1)  # tokens in this bin or higher
    bin_index = (above >= state["share"]).sum(1) - 2  # the last bin that still has enough above it
    margin = (bin_index.clamp(0, BINS - 1) + 0.5) / BINS * 2 * HALF_WIDTH - HALF_WIDTH
    moved = state["bias"] + (1 - KEEP) * margin
    state["bias"].copy_(moved - moved.mean(1, keepdim=True))


def loss(b, g, state):
    """The task's interface."""
    return b.logits.sum() * 0
