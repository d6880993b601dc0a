"""Keeps the directions of the router's rows apart: squared cosines of all pairs, whatever their lengths.

Source: ERNIE 4.5 technical report, router orthogonalisation loss; the formula is taken from second-hand accounts.
At a coefficient of 0.1 its gradient can be refused: at the start, router rows are short and their directions turn fast.
"""

import torch
from torch.nn import functional

COEFFICIENT = 0.005


def loss(b, g, state):
    """The task's interface."""
    rows = functional.normalize(b.router_weight, dim=-1)
    return COEFFICIENT * (rows @ rows.T - torch.eye(b.num_experts)).square().sum() / b.num_experts
