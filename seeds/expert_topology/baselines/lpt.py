"""Load alone: the hottest experts are copied into the spare slots, then every layer is packed heaviest copy first.

Method: one more copy to the expert whose copies have the most tokens, again and again; then longest processing time
first, each copy to the lightest GPU that has room and not this expert. It sees neither links nor the way of a token.

Source: the global policy of DeepSeek's EPLB (github.com/deepseek-ai/EPLB), written anew; the packing is Graham's rule
(SIAM J. Appl. Math., 1969) with equally many items per GPU.
"""

import numpy as np


def place(trace, source, config):
    """Layer by layer."""
    rows = []
    for layer in range(config["layers"]):
        loads = np.bincount(trace[:, layer].ravel(), minlength=config["experts"]).astype(float)
        rows.append(pack(loads, copies_of(loads, config["slots"], config["gpus"]), config["gpus"]))
    return np.array(rows, dtype=np.int32)


def copies_of(loads, slots, gpus):
    """Copies of every expert."""
    counts = np.ones(len(loads), dtype=int)
    for _ in range(slots - len(loads)):
        counts[np.where(counts < gpus, loads / counts, -1.0).argmax()] += 1
    return counts


def pack(loads, counts, gpus):
    """The experts in slot order, GPU after GPU."""
    room = int(counts.sum()) // gpus
    held = [[] for _ in range(gpus)]
    weight = np.zeros(gpus)
    experts = np.repeat(np.arange(len(loads)), counts)
    for expert in experts[np.argsort(-(loads / counts)[experts], kind="stable")]:
        closed = np.array([len(own) == room or expert in own for own in held])
        if closed.all():
            trade_for_room(held, weight, expert, room, loads / counts)
            continue
        gpu = np.where(closed, np.inf, weight).argmin()
        held[gpu].append(expert)
        weight[gpu] += loads[expert] / counts[expert]
    return np.concatenate(held)


def trade_for_room(held, weight, expert, room, loads):
    """The last room is on a GPU that has this expert: another GPU gives it one that it lacks, and takes this."""
    open_gpu = next(gpu for gpu, own in enumerate(held) if len(own) < room)
    for gpu, own in enumerate(held):
        given = [one for one in own if one not in held[open_gpu]]
        if expert not in own and given:
            own.remove(given[-1])
            own.append(expert)
            held[open_gpu].append(given[-1])
            weight[gpu] += loads[expert] - loads[given[-1]]
            weight[open_gpu] += loads[given[-1]]
            return
