"""Neighbouring experts share a node: groups of them are dealt to the nodes by load, then copied and packed inside.

Method: two groups of consecutive experts per node, the heaviest group first to the lightest node with room; each node
copies its hottest experts into its own spare slots and packs its GPUs, heaviest copy first. Models routed in groups
keep a token's choices on few nodes that way; this task draws no groups, so here it costs balance and saves nothing,
but that all copies of an expert share a node.

Source: the hierarchical policy of DeepSeek's EPLB (github.com/deepseek-ai/EPLB), written anew; two groups per node are
our choice. Where experts, or spare slots, do not divide so, all nodes are one, as there.
"""

import numpy as np


def place(trace, source, config):
    """Layer by layer."""
    rows = []
    for layer in range(config["layers"]):
        loads = np.bincount(trace[:, layer].ravel(), minlength=config["experts"]).astype(float)
        rows.append(row_of(loads, config))
    return np.array(rows, dtype=np.int32)


def row_of(loads, config):
    """One layer, node after node."""
    nodes, gpus = config["nodes"], config["gpus"]
    per_node = len(loads) // (2 * nodes) * 2  # experts, in two groups
    if per_node * nodes != len(loads) or config["slots"] // nodes > per_node * (gpus // nodes):
        return packed(loads, copies_of(loads, config["slots"], gpus), gpus)
    groups = np.arange(len(loads)).reshape(2 * nodes, -1)
    by_node = dealt(loads[groups].sum(axis=1), nodes)
    row = []
    for node in range(nodes):
        experts = groups[by_node[node]].ravel()
        counts = copies_of(loads[experts], config["slots"] // nodes, gpus // nodes)
        row.append(experts[packed(loads[experts], counts, gpus // nodes)])
    return np.concatenate(row)


def dealt(weights, parts):
    """Which items each part gets, equally many, heaviest first to the lightest."""
    held, total = [[] for _ in range(parts)], np.zeros(parts)
    for item in np.argsort(-weights, kind="stable"):
        full = np.array([len(own) == len(weights) // parts for own in held])
        part = np.where(full, np.inf, total).argmin()
        held[part].append(item)
        total[part] += weights[item]
    return held


def copies_of(loads, slots, gpus):
    """Copies of every expert."""
    counts = np.ones(len(loads), dtype=int)
    for _ in range(slots - len(loads)):
        counts[np.where(counts < gpus, loads / counts, -1.0).argmax()] += 1
    return counts


def packed(loads, counts, gpus):
    """The experts in slot order, GPU after GPU; no expert twice on one."""
    room = int(counts.sum()) // gpus
    held, weight = [[] for _ in range(gpus)], np.zeros(gpus)
    experts = np.repeat(np.arange(len(loads)), counts)
    for expert in experts[np.argsort(-(loads / counts)[experts], kind="stable")]:
        closed = np.array([len(own) == room or expert in own for own in held])
        if closed.all():
            target = next(own for own in held if len(own) < room)
            giver = next(own for own in held if expert not in own and set(own) - set(target))
            given = next(one for one in reversed(giver) if one not in target)
            giver[giver.index(given)] = expert
            target.append(given)
            continue
        gpu = np.where(closed, np.inf, weight).argmin()
        held[gpu].append(expert)
        weight[gpu] += loads[expert] / counts[expert]
    return np.concatenate(held)
