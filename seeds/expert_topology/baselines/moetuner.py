"""Two stages: clusters of experts, equally loaded and chosen together, then clusters to GPUs by the tokens' way.

Method: in each layer, experts go heaviest first to the cluster where load, less a little for experts that the same
tokens pick, is least; one cluster per GPU, equally large. Then, layer after layer and forth and back, the clusters are
assigned to GPUs so that fewest tokens change GPU between adjacent layers (an assignment problem, exact given the
neighbours). A cluster never changes any more, so balance is kept whatever the second stage does.

Source: after MoETuner (Go and Mahajan, "MoETuner: Optimized Mixture of Expert Serving with Balanced Expert Placement
and Token Routing", 2025), which solves two integer programs. Left out: the solver and its gap. Added: half a
token's worth for the node, where links differ; spare slots, filled by load.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

TOGETHER = 0.05  # of the tokens that two experts share, taken off a cluster's load
SWEEPS = 3


def place(trace, source, config):
    """The task's interface."""
    layers, experts, gpus = config["layers"], config["experts"], config["gpus"]
    ids = trace.astype(np.int64)
    follows = config["residency"] == "follow"
    clusters = [clustered(ids[:, layer], config) for layer in range(layers)]  # rows of experts
    rows, homes = [None] * layers, [None] * layers
    for sweep in range(SWEEPS if follows else 1):
        for layer in range(layers) if sweep % 2 == 0 else reversed(range(layers)):
            at = homes[layer - 1][ids[:, layer - 1, 0]] if follows and layer else source.astype(np.int64)
            gain = counted(at[:, None], ids[:, layer], gpus, experts)
            if follows and layer + 1 < layers and homes[layer + 1] is not None:
                gain = gain + counted(homes[layer + 1][ids[:, layer + 1]], ids[:, layer, :1], gpus, experts)
            by_node = gain.reshape(config["nodes"], -1, experts).sum(axis=1)
            gain = gain + np.repeat(by_node, gpus // config["nodes"], axis=0) / 2
            worth = gain[:, clusters[layer]].sum(axis=2)  # GPU, cluster
            where, which = linear_sum_assignment(worth, maximize=True)
            rows[layer] = clusters[layer][which[np.argsort(where)]].ravel()
            homes[layer] = home_of(rows[layer], experts, gpus)
    return np.array(rows, dtype=np.int32)


def clustered(picks, config):
    """Experts of each cluster, (G, S)."""
    experts, gpus, room = config["experts"], config["gpus"], config["slots_per_gpu"]
    loads = np.bincount(picks.ravel(), minlength=experts).astype(float)
    counts = np.ones(experts, dtype=int)
    for _ in range(config["slots"] - experts):
        counts[np.where(counts < gpus, loads / counts, -1.0).argmax()] += 1
    part = loads / counts
    chosen = np.zeros((len(picks), experts), dtype=np.float32)
    chosen[np.arange(len(picks))[:, None], picks] = 1.0
    both = chosen.T @ chosen
    held, weight, shared = [[] for _ in range(gpus)], np.zeros(gpus), np.zeros((gpus, experts))
    items = np.repeat(np.arange(experts), counts)
    for expert in items[np.argsort(-part[items], kind="stable")]:
        closed = np.array([len(own) == room or expert in own for own in held])
        if closed.all():
            target = next(own for own in held if len(own) < room)
            giver = next(own for own in held if expert not in own and set(own) - set(target))
            given = next(one for one in reversed(giver) if one not in target)
            giver[giver.index(given)] = expert
            target.append(given)
            continue
        cluster = np.where(closed, np.inf, weight - TOGETHER * shared[:, expert]).argmin()
        held[cluster].append(expert)
        weight[cluster] += part[expert]
        shared[cluster] += both[expert]
    return np.array(held)


def counted(at, picks, gpus, experts):
    """Tokens on each GPU that pick each expert, (G, E)."""
    return np.bincount((at * experts + picks).ravel(), minlength=gpus * experts).reshape(gpus, experts).astype(float)


def home_of(row, experts, gpus):
    """The first GPU that has each expert, (E,)."""
    homes = np.zeros(experts, dtype=np.int64)
    homes[row[::-1]] = np.arange(len(row))[::-1] // (len(row) // gpus)
    return homes
