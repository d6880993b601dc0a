"""Global-batch load balancing with a hundredth of the micro-batch's own.

Source: Qiu et al., "Demons in the Detail", arXiv 2501.11873, which adds 1 % of the micro-batch loss for speed.
"""

COEFFICIENT = 0.1
MICRO = 0.01


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    shares = g[0] + MICRO * b.counts / b.counts.sum()
    return COEFFICIENT * b.num_experts * (shares * share.mean(0)).sum()
