"""No balancing at all: the router learns from the cross-entropy alone.

Source: none; the trivial program. Small models that are trained for a short time learn fastest with few experts.
"""


def loss(b, g, state):
    """The task's interface."""
    return b.logits.sum() * 0
