"""A control that must rank below load balancing: its coefficient drowns the cross-entropy, and the task refuses it.

Source: none; made to be bad.
"""

COEFFICIENT = 1000.0


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    return COEFFICIENT * b.num_experts * (g[0] * share.mean(0)).sum()
