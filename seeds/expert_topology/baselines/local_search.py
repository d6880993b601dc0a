"""Swaps of experts between GPUs, as long as a smooth estimate of the layer's time falls.

Method: from the two stages of `moetuner.py`, layer by layer and twice over; the busiest GPUs in turn try all swaps of
one of their experts with one of another GPU, and the best is taken if it helps. The estimate takes p-norms over the
GPUs in place of maxima, of compute and of the copies that arrive over near and far links. Copies are counted from
pairs: picks, less those whose token is there already, less the meetings of two picks of one token (as in the task's
bound). Where tokens follow their first expert, what goes on to the next layer is counted as a mean.

Source: ours; the p-norm is the usual smooth maximum of makespan problems (Awerbuch et al., FOCS 1995).

Shapes: P items (copies of experts), E experts, G GPUs, N nodes.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

SWEEPS = 2
STEPS = 30  # swaps per layer and sweep, at most
POWER = 8.0
TOGETHER = 0.05  # of the tokens that two experts share, taken off a cluster's load
ASSIGNMENTS = 3


def place(trace, source, config):
    """The task's interface."""
    layers, experts, gpus = config["layers"], config["experts"], config["gpus"]
    ids = trace.astype(np.int64)
    follows = config["residency"] == "follow"
    rows = two_stages(ids, source.astype(np.int64), follows, config)
    for _ in range(SWEEPS):
        for layer in range(layers):
            at = source.astype(np.int64)
            if follows and layer:
                at = home_of(rows[layer - 1], experts, gpus)[ids[:, layer - 1, 0]]
            onward = np.zeros((gpus, experts))
            if follows and layer + 1 < layers:
                after = home_of(rows[layer + 1], experts, gpus)[ids[:, layer + 1]]
                onward = tokens_at(after, ids[:, layer, :1], gpus, experts)
            arriving = tokens_at(at[:, None], ids[:, layer], gpus, experts)
            rows[layer] = Layer(rows[layer], ids[:, layer], arriving, onward, config).improved()
    return np.array(rows, dtype=np.int32)


class Layer:
    """The estimate of one layer, kept up to date while experts are swapped."""

    def __init__(self, row, picks, arriving, onward, config):
        self.row, self.config = row.copy(), config
        self.gpus, self.nodes = config["gpus"], config["nodes"]
        experts, room = config["experts"], config["slots_per_gpu"]
        self.gpu = np.repeat(np.arange(self.gpus), room)
        self.node = self.gpu // (self.gpus // self.nodes)
        number = np.bincount(row, minlength=experts)
        loads = np.bincount(picks.ravel(), minlength=experts)
        part = (loads / number)[row]
        scale = config["tokens"] / len(picks)
        self.compute = curve_us(part * scale, config)
        here = np.minimum(arriving.T[row] / number[row][:, None], part[:, None])  # (P, G)
        near = here.reshape(len(row), self.nodes, -1).sum(axis=2)
        both = together(picks, experts)
        met = both[row][:, row] / np.maximum.outer(number[row], number[row])
        order = visits_order(picks.shape[1], self.gpus)
        order_far = visits_order(picks.shape[1], self.nodes if hierarchical(config) else self.gpus)
        bytes_us = 1e6 * scale * (config["dispatch_bytes"] + config["combine_bytes"])
        if config["residency"] == "follow" and picks.shape[1] == 1:
            bytes_us = 1e6 * scale * config["dispatch_bytes"]
        self.near_us = bytes_us / config["bandwidths"]["intra_node"]
        self.far_us = bytes_us / config["bandwidths"]["inter_node"] if self.nodes > 1 else 0.0
        self.away = 2 / (order + 1) * (part[:, None] - here)
        self.abroad = 2 / (order_far + 1) * (part[:, None] - near)
        self.met, self.met_far = 2 / (order * (order + 1)) * met, 2 / (order_far * (order_far + 1)) * met
        worth = (onward + np.repeat(node_sums(onward, self.nodes), self.gpus // self.nodes, axis=0)) / 2
        self.onward = (self.far_us or self.near_us) * worth.T[row] / number[row][:, None] / self.gpus
        self.held = np.zeros((experts, self.gpus), dtype=bool)
        self.held[row, self.gpu] = True

    def improved(self):
        """The row after its swaps."""
        failed = 0
        for _ in range(STEPS):
            state = self.sums()
            order = np.argsort(-self.pressure(*state))
            gpu = int(order[min(failed, self.gpus - 1)])
            swap = self.best_swap(gpu, state)
            failed = 0 if swap else failed + 1
            if failed >= min(self.gpus, 6):
                break
            if swap:
                self.swap(*swap)
        return self.row

    def sums(self):
        """Compute, copies in, and copies in from other nodes, of every GPU."""
        places = np.arange(len(self.gpu))
        same = self.gpu[:, None] == self.gpu
        alike = self.node[:, None] == self.node if hierarchical(self.config) else same
        compute = np.bincount(self.gpu, self.compute, self.gpus)
        away = np.bincount(self.gpu, self.away[places, self.gpu] - (self.met * same).sum(axis=1) / 2, self.gpus)
        abroad = self.abroad[places, self.node] - (self.met_far * alike).sum(axis=1) / 2
        return compute, away, np.bincount(self.gpu, abroad, self.gpus)

    def pressure(self, compute, away, abroad):
        """How busy each GPU is, in microseconds."""
        return compute + self.near_us * away + self.far_us * abroad

    def best_swap(self, gpu, state):
        """The slots (own, other) whose swap lowers the estimate most; None if none does."""
        compute, away, abroad = state
        own = np.flatnonzero(self.gpu == gpu)[:, None]
        other = np.flatnonzero(self.gpu != gpu)[None]
        there, far_there = self.gpu[other], self.node[other]
        node = self.node[own]
        member = (self.gpu[:, None] == np.arange(self.gpus)).astype(float)
        mates = self.met @ member  # (P, G): meetings of each item with those of each GPU
        change = self.compute[other] - self.compute[own]
        lost = self.met[own, other]
        away_here = self.away[other, gpu] - self.away[own, gpu] - mates[other, gpu] + lost + mates[own, gpu]
        away_there = self.away[own, there] - self.away[other, there] - mates[own, there] + lost + mates[other, there]
        far_member = member
        if hierarchical(self.config):
            far_member = (self.node[:, None] == np.arange(self.gpus) // (self.gpus // self.nodes)).astype(float)
        far_mates, far_lost = self.met_far @ far_member, self.met_far[own, other]
        far_here = self.abroad[other, node] - self.abroad[own, node]
        far_here = far_here - far_mates[other, gpu] + far_lost + far_mates[own, gpu]
        far_back = self.abroad[own, far_there] - self.abroad[other, far_there]
        far_back = far_back - far_mates[own, there] + far_lost + far_mates[other, there]
        far_here, far_back = (np.where(node == far_there, 0.0, one) for one in (far_here, far_back))
        compute_us = swapped_norm(compute, gpu, there, change, -change)
        near_us = self.near_us * swapped_norm(away, gpu, there, away_here, away_there)
        if hierarchical(self.config):
            m = self.gpus // self.nodes
            by_node = abroad.reshape(self.nodes, m).sum(axis=1) / m
            far_us = self.far_us * swapped_norm(by_node, gpu // m, there // m, far_here / m, far_back / m)
            exchange = near_us + far_us
        else:
            far_us = self.far_us * swapped_norm(abroad, gpu, there, far_here, far_back)
            exchange = np.maximum(near_us, far_us) + 0.1 * np.minimum(near_us, far_us)
        gain = self.onward[own, there] + self.onward[other, gpu] - self.onward[own, gpu] - self.onward[other, there]
        total = combined(compute_us, exchange, self.config) - gain
        clash = (self.row[own] == self.row[other]) | self.held[self.row[own], there] | self.held[self.row[other], gpu]
        total = np.where(clash, np.inf, total)
        place = np.unravel_index(total.argmin(), total.shape)
        if total[place] >= self.estimate(state) - 1e-9:
            return None
        return int(own[place[0], 0]), int(other[0, place[1]])

    def estimate(self, state):
        """The layer's time as it is, but for what goes on."""
        compute, away, abroad = state
        near_us = self.near_us * norm(away)
        if hierarchical(self.config):
            far_us = self.far_us * norm(abroad.reshape(self.nodes, -1).mean(axis=1))
            return combined(norm(compute), near_us + far_us, self.config)
        far_us = self.far_us * norm(abroad)
        return combined(norm(compute), max(near_us, far_us) + 0.1 * min(near_us, far_us), self.config)

    def swap(self, own, other):
        """Two items change places."""
        gpu, there = self.gpu[own], self.gpu[other]
        self.held[self.row[own], [gpu, there]] = False, True
        self.held[self.row[other], [gpu, there]] = True, False
        for values in (self.row, self.compute, self.away, self.abroad, self.onward):
            values[[own, other]] = values[[other, own]]
        for values in (self.met, self.met_far):
            values[[own, other]] = values[[other, own]]
            values[:, [own, other]] = values[:, [other, own]]


def combined(compute_us, exchange_us, config):
    """One layer's time."""
    if config["overlap"] == "two_batch":
        return np.maximum(compute_us, exchange_us) + 0.1 * np.minimum(compute_us, exchange_us)
    return compute_us + exchange_us


def norm(values):
    """A smooth maximum."""
    return (np.maximum(values, 0.0) ** POWER).sum() ** (1 / POWER)


def swapped_norm(values, gpu, there, here_change, there_change):
    """The norm after two of the values have changed, for every swap."""
    powers = np.maximum(values, 0.0) ** POWER
    rest = powers.sum() - powers[gpu] - powers[there]
    changed = np.maximum(values[gpu] + here_change, 0.0) ** POWER
    back = np.maximum(values[there] + there_change, 0.0) ** POWER
    same = (there == gpu) & np.ones_like(changed, dtype=bool)
    return np.where(same, powers.sum(), np.maximum(rest, 0.0) + changed + back) ** (1 / POWER)


def hierarchical(config):
    """Whether copies are relayed."""
    return config["all_to_all"] == "hierarchical"


def visits_order(top_k, parts):
    """The m for which 2 x / (m + 1) - x (x - 1) / (m (m + 1)) is nearest to "x > 0" at the picks of a visited part."""
    return max(1.0, round(top_k / parts))


def curve_us(tokens, config):
    """Time of slots with these tokens."""
    table = config["cost_us"]
    whole = np.ceil(tokens - 1e-6).astype(int)
    return table[np.minimum(whole, len(table) - 1)] + config["cost_slope_us"] * np.maximum(whole - len(table) + 1, 0)


def together(picks, experts):
    """Tokens that pick both, (E, E), nothing on the diagonal."""
    chosen = np.zeros((len(picks), experts), dtype=np.float32)
    chosen[np.arange(len(picks))[:, None], picks] = 1.0
    both = (chosen.T @ chosen).astype(float)
    np.fill_diagonal(both, 0.0)
    return both


def tokens_at(gpus_of, picks, gpus, experts):
    """Tokens on each GPU that pick each expert, (G, E)."""
    return (
        np.bincount((gpus_of * experts + picks).ravel(), minlength=gpus * experts).reshape(gpus, experts).astype(float)
    )


def node_sums(values, nodes):
    """Sums over the GPUs of a node, (N, E)."""
    return values.reshape(nodes, -1, values.shape[1]).sum(axis=1)


def home_of(row, experts, gpus):
    """The first GPU that has each expert, (E,)."""
    homes = np.zeros(experts, dtype=np.int64)
    homes[row[::-1]] = np.arange(len(row))[::-1] // (len(row) // gpus)
    return homes


def two_stages(ids, source, follows, config):
    """The rows to start from: clusters by load and meetings, assigned to GPUs by the tokens' way."""
    layers, experts, gpus = config["layers"], config["experts"], config["gpus"]
    clusters = [clustered(ids[:, layer], config) for layer in range(layers)]  # rows of experts
    rows, homes = [None] * layers, [None] * layers
    for sweep in range(ASSIGNMENTS if follows else 1):
        for layer in range(layers) if sweep % 2 == 0 else reversed(range(layers)):
            at = homes[layer - 1][ids[:, layer - 1, 0]] if follows and layer else source
            gain = tokens_at(at[:, None], ids[:, layer], gpus, experts)
            if follows and layer + 1 < layers and homes[layer + 1] is not None:
                gain = gain + tokens_at(homes[layer + 1][ids[:, layer + 1]], ids[:, layer, :1], gpus, experts)
            by_node = gain.reshape(config["nodes"], -1, experts).sum(axis=1)
            gain = gain + np.repeat(by_node, gpus // config["nodes"], axis=0) / 2
            worth = gain[:, clusters[layer]].sum(axis=2)  # GPU, cluster
            where, which = linear_sum_assignment(worth, maximize=True)
            rows[layer] = clusters[layer][which[np.argsort(where)]].ravel()
            homes[layer] = home_of(rows[layer], experts, gpus)
    return rows


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
