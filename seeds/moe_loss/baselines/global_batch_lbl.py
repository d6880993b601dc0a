"""Load balancing over the global batch: the shares of tokens are those of all micro-batches of the step.

Only E numbers cross between micro-batches, and the mean over the micro-batches is exactly the loss of the whole batch.
Coefficient 0.1, the task's reference: this program scores 0.

Source: Qiu et al., "Demons in the Detail: On Implementing Load Balancing Loss for Training Specialized
Mixture-of-Expert Models", arXiv 2501.11873.
"""

COEFFICIENT = 0.1


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    return COEFFICIENT * b.num_experts * (g[0] * share.mean(0)).sum()
