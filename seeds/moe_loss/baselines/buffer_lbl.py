"""Global-batch load balancing without waiting: the shares are those of the micro-batches seen so far in the step.

Source: Qiu et al., "Demons in the Detail", arXiv 2501.11873, the buffer for gradient accumulation.
"""

COEFFICIENT = 0.1


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    return COEFFICIENT * b.num_experts * (b.g_run[0] * share.mean(0)).sum()
