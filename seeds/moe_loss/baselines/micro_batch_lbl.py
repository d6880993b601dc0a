"""Load balancing within each micro-batch: shares of tokens and of probability, both of the micro-batch.

Source: Fedus et al., "Switch Transformers", arXiv 2101.03961, over all k choices and divided by k, as the common
training frameworks have it. Coefficient 0.1 as the task's reference.
"""

COEFFICIENT = 0.1


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    own = b.counts / b.counts.sum()
    return COEFFICIENT * b.num_experts * (own * share.mean(0)).sum()
