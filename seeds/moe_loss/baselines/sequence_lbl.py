"""Load balancing within each sequence.

Source: DeepSeek-V3, arXiv 2412.19437, complementary sequence-wise loss, there with coefficient 1e-4 beside a selection
bias; here alone, with coefficient 0.1.
"""

import torch

COEFFICIENT = 0.1


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    sequences = int(b.seq_id.max()) + 1
    ones = torch.zeros_like(share).scatter_(1, b.topk_idx, 1.0 / b.top_k)
    tokens = torch.bincount(b.seq_id).unsqueeze(1)
    zeros = torch.zeros(sequences, b.num_experts)
    counted = zeros.index_add(0, b.seq_id, ones.detach()) / tokens
    likely = zeros.index_add(0, b.seq_id, share) / tokens
    return COEFFICIENT * b.num_experts * (counted * likely).sum(1).mean()
