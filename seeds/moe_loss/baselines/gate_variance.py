"""Global-batch load balancing, and a reward for gates that differ between tokens.

The method's other term, orthogonal outputs of the experts that share a token, needs these outputs and is left out.

Source: "Advancing Expert Specialization for Better MoE", arXiv 2505.22323; formulas from second-hand accounts.
"""

COEFFICIENT = 0.1
VARIANCE = 0.1


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    variance = share.var(dim=0, unbiased=False).sum()
    return COEFFICIENT * b.num_experts * (g[0] * share.mean(0)).sum() - VARIANCE * variance
