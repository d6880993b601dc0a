"""The activations of this sequence so far are matched with those of earlier ones, which say what comes in later layers.

Source: after MoE-Infinity (Xue et al., "MoE-Infinity: Efficient MoE Inference on Personal Machines with Sparsity-Aware
Expert Cache", 2024): activation matrices of sequences are matched by cosine, later layers are loaded ahead by the
matched share, nearer layers first; evicted is what was used least, in this sequence and in all, in layers far away. A
matrix whose sequence has ended replaces the stored one that is most like it. The weights, and the least likelihood
from which something is loaded, are ours, chosen on search; the public program loads whatever the matched sequence used.
"""

import numpy as np

LIKELY = 0.7  # how often a token of the matched sequence must have used what is loaded ahead
MATCHED = 0.5  # weight of the matched sequence in what is kept, against this one's uses


class Policy:
    """The task's interface: `decide` when a layer's router has chosen."""

    def __init__(self, config: dict) -> None:
        self.layers, self.experts = config["layers"], config["experts"]
        self.most = config["most_ahead"]
        self.least = LIKELY / config["top_k"]  # a share of a row worth loading ahead
        self.stored = config["history"].astype(np.float32)
        self.norms = np.linalg.norm(self.stored, axis=2) + 1e-6
        self.visits = self.stored.sum(axis=0) / max(1.0, self.stored.sum())
        self.begin()

    def begin(self) -> None:
        """A new sequence."""
        self.matrix = np.zeros((self.layers, self.experts), dtype=np.float32)
        self.likeness = np.zeros((len(self.stored), self.layers), dtype=np.float32)

    def decide(self, event: dict) -> dict:
        """Keep by use and distance; ahead, what the matched sequence used in the layers to come."""
        layer = event["layer"]
        if event["fresh"] and layer == 0 and self.matrix.any():
            self.remember()
            self.begin()
        row = self.matrix[layer]
        row += event["tokens"]
        self.visits[layer] += event["tokens"] / max(1, self.visits.size)
        self.likeness[:, layer] = self.stored[:, layer] @ row / self.norms[:, layer] / (np.linalg.norm(row) + 1e-6)
        matched = self.stored[int(self.likeness.sum(axis=1).argmax())]
        nearness = 1 - ((np.arange(self.layers) - layer - 1) % self.layers).astype(np.float32) / (self.layers + 1)
        own = self.matrix / (self.matrix.sum(axis=1, keepdims=True) + 1e-6)
        told = matched / (matched.sum(axis=1, keepdims=True) + 1e-6)
        wanted = told * nearness[:, None]
        keep = (own + MATCHED * told + 1e-3 * self.visits) * nearness[:, None]
        wanted[: layer + 1] = 0.0  # only what is still to come in this step
        wanted[event["resident"]] = 0.0
        order = np.argsort(-wanted, axis=None)[: self.most]
        order = order[wanted.reshape(-1)[order] > self.least]
        flat = keep.reshape(-1)
        flat[order] = np.maximum(flat[order], wanted.reshape(-1)[order])
        ahead = np.full(self.most, -1, dtype=np.int64)
        ahead[: len(order)] = order
        return {"keep": keep, "ahead": ahead}

    def remember(self) -> None:
        """The ended sequence takes the place of the stored one most like it."""
        most_alike = int(self.likeness.sum(axis=1).argmax())
        self.stored[most_alike] = self.matrix
        self.norms[most_alike] = np.linalg.norm(self.matrix, axis=1) + 1e-6
