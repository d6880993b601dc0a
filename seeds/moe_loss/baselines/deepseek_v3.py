"""A selection bias moved by the sign of the load, beside a weak balance within each sequence.

The choices that the loss counts are those of the plain scores, without the bias, as in the source. Its weight is a
hundredth of the reference's, the bias moves by 5 % of the mean score.

Source: DeepSeek-V3, arXiv 2412.19437, section 2.1.2: step 0.001 and weight 1e-4 for sigmoid scores and 14.8 T tokens.
"""

import torch

COEFFICIENT = 0.001
STEP = 0.05  # of the mean score


def init_state(cfg):
    """A bias for each expert, and its step."""
    mean = 1.0 / cfg.num_experts if cfg.score == "softmax" else 0.5
    return {"bias": torch.zeros(cfg.num_layers, cfg.num_experts), "step": torch.tensor([STEP * mean])}


def select(b, state):
    """Scores with the bias; gates do not see it."""
    return b.probs + state["bias"][b.layer]


def update(g, state, step):
    """Towards the mean, by the sign."""
    state["bias"] += state["step"] * torch.sign(g[:, 0].mean(1, keepdim=True) - g[:, 0])


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    plain = b.probs.detach().topk(b.top_k, dim=-1).indices
    ones = torch.zeros_like(share).scatter_(1, plain, 1.0 / b.top_k)
    tokens = torch.bincount(b.seq_id).unsqueeze(1)
    zeros = torch.zeros(len(tokens), b.num_experts)
    counted = zeros.index_add(0, b.seq_id, ones.detach()) / tokens
    likely = zeros.index_add(0, b.seq_id, share) / tokens
    return COEFFICIENT * b.num_experts * (counted * likely).sum(1).mean()
