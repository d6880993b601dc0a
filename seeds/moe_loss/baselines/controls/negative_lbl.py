"""A control that must rank below load balancing: its opposite, which drives all tokens to few experts.

Source: none; made to be bad.
"""

COEFFICIENT = -0.1


def loss(b, g, state):
    """The task's interface."""
    share = b.probs / b.probs.sum(-1, keepdim=True)
    return COEFFICIENT * b.num_experts * (g[0] * share.mean(0)).sum()
