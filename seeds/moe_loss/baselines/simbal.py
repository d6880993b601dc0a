"""Keeps the rows of the router's weight orthonormal, without looking at any token.

Source: "Load Balancing Mixture of Experts with Similarity Preserving Routers" (SimBal), arXiv 2506.14038; it starts
from an orthogonal router, which the task's is not. At a coefficient of 0.01 its gradient is refused with sigmoid gates.
"""

import torch

COEFFICIENT = 0.002


def loss(b, g, state):
    """The task's interface."""
    gram = b.router_weight @ b.router_weight.T
    return COEFFICIENT * (gram - torch.eye(b.num_experts)).abs().sum()
