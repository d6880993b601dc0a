"""Three balances within each sequence: of experts, of devices and of what devices receive; tokens go to few devices.

The coefficients have the source's ratio (0.003, 0.05, 0.02), doubled so that the largest is the reference's 0.1. Tokens
go to the experts of the best k // 2 + 1 devices first (the source: 3 for k = 6, of many experts each). Where these hold
fewer than k experts, as with one expert per device and k = 4, the rest is chosen elsewhere. Dropping is left out.

Source: DeepSeek-V2, arXiv 2405.04434, sections 2.2.2 and 2.2.3.
"""

import torch

EXPERT, DEVICE, RECEIVED = 0.006, 0.1, 0.04


def of_devices(x, b):
    """Sums over the experts of each device, ``(T, devices)``."""
    devices = int(b.expert_group.max()) + 1
    return torch.zeros(len(x), devices).index_add(1, b.expert_group, x)


def select(b, state):
    """Experts of the devices that hold the best ones come before all others."""
    devices = int(b.expert_group.max()) + 1
    best = torch.full((len(b.probs), devices), -1.0)
    best = best.scatter_reduce(1, b.expert_group.expand_as(b.probs), b.probs, "amax")
    most = min(b.top_k // 2 + 1, devices)
    allowed = torch.zeros_like(best).scatter_(1, best.topk(most, dim=-1).indices, 1.0)
    return b.probs + allowed[:, b.expert_group]


def balance(counted, likely, b):
    """Load balancing within each sequence, 1 where even; `counted` sums to a constant over tokens."""
    tokens = torch.bincount(b.seq_id).unsqueeze(1)
    zeros = torch.zeros(len(tokens), counted.shape[1])
    share = zeros.index_add(0, b.seq_id, counted)
    share = share / share.sum(1, keepdim=True)
    return counted.shape[1] * (share * zeros.index_add(0, b.seq_id, likely) / tokens).sum(1).mean()


def loss(b, g, state):
    """The task's interface."""
    likely = b.probs / b.probs.sum(-1, keepdim=True)
    chosen = torch.zeros_like(likely).scatter_(1, b.topk_idx, 1.0).detach()
    on_device, likely_device = of_devices(chosen, b), of_devices(likely, b)
    received = (on_device > 0).to(torch.float32)
    by_expert, by_device = balance(chosen, likely, b), balance(on_device, likely_device, b)
    return EXPERT * by_expert + DEVICE * by_device + RECEIVED * balance(received, likely_device, b)
