"""A control that must rank below load balancing: a constant, which has no gradient to speak of.

Source: none; made to be bad.
"""


def loss(b, g, state):
    """The task's interface."""
    return b.logits.sum() * 0 + 1.0
