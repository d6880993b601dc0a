"""Around the EVOLVE-BLOCK: global-batch load balancing, each decision laid open, for a `loss` that calls `balancing`.

The term is large where experts that get many tokens of the whole batch also get much of this micro-batch's probability;
every further idea was at its neutral value at first.
"""

import torch

# EVOLVE-BLOCK-START
COEFFICIENT = 0.1  # strength of the balancing term
LATE = 1.0  # the strength at the last step over that at the first; it moves in a straight line
GLOBAL = 1.0  # weight of the whole batch's shares of tokens; the rest is the micro-batch's own
POWER = 1.0  # of an expert's share over an even share: above 1, busy experts count more
FLOOR = 0.0  # experts with less than this times an even share are lifted
LIFT = 1.0  # how strongly
Z = 0.0  # strength of the penalty on large logits


def coefficient(done: float) -> float:
    """Strength after a share `done` of the training."""
    return COEFFICIENT * (1.0 + (LATE - 1.0) * done)


def pressure(share, own):
    """How unwelcome each expert is; `share` of the whole batch and `own` of the micro-batch, both 1 when even."""
    mixed = GLOBAL * share + (1.0 - GLOBAL) * own
    lifted = LIFT * torch.clamp(FLOOR - mixed, min=0.0)
    return torch.clamp(mixed, min=0.0) ** POWER - lifted


def loss(b, g, state):
    """The task's interface. Any other loss may stand here, and the functions that go with it."""
    return balancing(b, g)


# EVOLVE-BLOCK-END


def balancing(b, g):
    """Pressure on busy experts, and the penalty on large logits."""
    experts = b.num_experts
    shares = b.probs / b.probs.sum(-1, keepdim=True)
    own = b.counts / b.counts.sum()
    balance = (pressure(experts * g[0], experts * own).detach() * shares.mean(0)).sum()
    penalty = torch.logsumexp(b.logits, dim=-1).square().mean()
    return coefficient(b.step / b.total_steps) * balance + Z * penalty
