"""Affinity alone: experts that tokens visit one after another share a GPU, or at least a node.

Method: crossing to another GPU costs 1, to another node 2, summed over the tokens and pairs of adjacent layers; equally
many experts per GPU and layer. The layers are solved one at a time, each exactly given its neighbours (an assignment
problem), forth and back. Loads are not looked at. Where tokens return home, the layer before is their source.

Source: after the integer program of ExFlow (Yao et al., "Exploiting Inter-Layer Expert Affinity for Accelerating
Mixture-of-Experts Model Inference", IPDPS 2024). Left out: the solver; all layers at once; bisection.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

SWEEPS = 3


def place(trace, source, config):
    """The task's interface."""
    layers, experts, gpus = config["layers"], config["experts"], config["gpus"]
    ids = trace.astype(np.int64)
    follows = config["residency"] == "follow"
    items = [copies(np.bincount(ids[:, layer].ravel(), minlength=experts), config) for layer in range(layers)]
    seats = [None] * layers  # GPU of each expert, the first of several
    rows = [None] * layers
    for sweep in range(SWEEPS if follows else 1):
        order = range(layers) if sweep % 2 == 0 else reversed(range(layers))
        for layer in order:
            at = source.astype(np.int64)
            if follows and layer:
                at = seats[layer - 1][ids[:, layer - 1, 0]]
            gain = counted(at, ids[:, layer], gpus, experts)
            if follows and layer + 1 < layers and seats[layer + 1] is not None:
                after = seats[layer + 1][ids[:, layer + 1]]
                cells = after * experts + ids[:, layer, :1]
                gain = gain + np.bincount(cells.ravel(), minlength=gpus * experts).reshape(gpus, experts)
            rows[layer] = assigned(gain + on_node(gain, config["nodes"]), items[layer], gpus)
            seats[layer] = home_of(rows[layer], experts, gpus)
    return np.array(rows, dtype=np.int32)


def copies(loads, config):
    """The expert of every copy: spare slots go to whichever has the busiest copies."""
    counts = np.ones(len(loads), dtype=int)
    for _ in range(config["slots"] - len(loads)):
        counts[np.where(counts < config["gpus"], loads / counts, -1.0).argmax()] += 1
    return np.repeat(np.arange(len(loads)), counts)


def counted(at, picks, gpus, experts):
    """Tokens on each GPU that pick each expert, (G, E)."""
    cells = (at[:, None] * experts + picks).ravel()
    return np.bincount(cells, minlength=gpus * experts).reshape(gpus, experts).astype(float)


def on_node(gain, nodes):
    """The sum over the node of each GPU, (G, E)."""
    by_node = gain.reshape(nodes, -1, gain.shape[1]).sum(axis=1)
    return np.repeat(by_node, len(gain) // nodes, axis=0)


def assigned(gain, items, gpus):
    """The row of a layer with the most gain."""
    room = len(items) // gpus
    slots = np.repeat(np.arange(gpus), room)
    chosen, where = linear_sum_assignment(gain[slots][:, items].T, maximize=True)
    row = np.empty(len(items), dtype=np.int64)
    row[where] = items[chosen]
    return apart(row.reshape(gpus, room)).ravel()


def apart(held):
    """No expert twice on a GPU: the second one changes places with an expert of another GPU."""
    for gpu, own in enumerate(held):
        for slot in range(len(own)):
            if own[slot] not in own[:slot]:
                continue
            gpus = [g for g in range(len(held)) if g != gpu and own[slot] not in held[g]]
            other, place = next((g, s) for g in gpus for s in range(len(own)) if held[g, s] not in own)
            held[other, place], own[slot] = own[slot], held[other, place]
    return held


def home_of(row, experts, gpus):
    """The first GPU that has each expert, (E,)."""
    homes = np.zeros(experts, dtype=np.int64)
    homes[row[::-1]] = np.arange(len(row))[::-1] // (len(row) // gpus)
    return homes
