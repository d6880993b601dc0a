"""The loss that scores 0: load balancing over the global batch, coefficient 0.1. Run as text, like any program.

Source: Qiu et al., "Demons in the Detail", arXiv 2501.11873: the shares of tokens are those of the whole batch, the
probabilities those of the micro-batch.
"""

COEFFICIENT = 0.1


def loss(b, g, state):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG001, D103
    share = b.probs / b.probs.sum(-1, keepdim=True)
    return COEFFICIENT * b.num_experts * (g[0] * share.mean(0)).sum()
