"""Each token takes equally many experts from each of k groups, so that the groups are even by construction.

Beside it load balancing over the global batch, with the probabilities over all experts.

Source: "Pangu Pro MoE: Mixture of Grouped Experts for Efficient Sparsity", arXiv 2505.21411.
"""

COEFFICIENT = 0.1


def select(b, state):
    """Only the best expert of each of the k groups can be chosen."""
    if b.num_experts % b.top_k:
        return b.probs
    grouped = b.probs.reshape(len(b.probs), b.top_k, -1)
    best = grouped >= grouped.amax(-1, keepdim=True)
    return (grouped + best).reshape(b.probs.shape)


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    return COEFFICIENT * b.num_experts * (g[0] * share.mean(0)).sum()
