"""Heaviest expert first, each to the GPU where it costs least: fullness against tokens that would have to travel.

Method: the packing of EPLB (heaviest copy first, to the lightest GPU), with a discount for a GPU or node where tokens
of the expert are already, or where experts are that the same tokens pick. A discount counts as much as the copies
that it saves cost beside everything else. Without discounts it is `baselines/lpt.py`.
Layers are placed in order, then again in the light of the layer after.

Shapes: T tokens, K picks per token, E experts, G GPUs.
"""

import numpy as np

TINY = 1e-12

# EVOLVE-BLOCK-START
PASSES = 2  # times that all layers are placed; from the second on the layer after is known
COPY_POWER = 1.0  # an expert with c copies counts as load / c ** COPY_POWER when the next spare slot is given away
FULL_POWER = 1.0  # how steeply the fullness of a GPU counts
HERE = 1.0  # discount, in prices of a copy within a node, if all of the expert's tokens are on the GPU before the layer
NEAR = 1.0  # the same in prices of a copy between nodes, if all are on the node
ONWARD = 1.0  # as HERE, if all go on to experts of this GPU in the next layer, where tokens follow
ONWARD_NEAR = 1.0  # as NEAR
MATES = 0.5  # as HERE, for each other pick of those tokens that the GPU has already
MATES_NEAR = 0.5  # as NEAR
MOST_FULL = 1.3  # load over the mean beyond which a GPU gets no discount


def copies_of(loads, slots, gpus):
    """Copies of each expert: spare slots go to whichever has the busiest copies."""
    counts = np.ones(len(loads))
    for _ in range(slots - len(loads)):
        heat = np.where(counts < gpus, loads / counts**COPY_POWER, -1.0)
        counts[int(heat.argmax())] += 1
    return counts.astype(int)


def link_prices(compute_us, near_us, far_us):
    """What a copy within a node and one between nodes cost, as shares of all that a pick costs."""
    whole = compute_us + near_us + far_us + TINY
    return near_us / whole, far_us / whole


def pull(near_price, far_price, here, near, onward, onward_near):
    """What draws each expert to each GPU before anything is placed, (G, E); the last four are shares of its tokens."""
    return near_price * (HERE * here + ONWARD * onward) + far_price * (NEAR * near + ONWARD_NEAR * onward_near)


def company(near_price, far_price, mates, mates_near):
    """What draws an expert to GPUs with other picks of its tokens, (G,); mates: these picks over its tokens."""
    return near_price * MATES * mates + far_price * MATES_NEAR * mates_near


def price(fullness, weight, discount):
    """What it costs to put the expert on each GPU, (G,); the cheapest with room is taken.

    fullness: load over the mean if the expert comes here; weight: what it brings; discount: `pull` and `company`.
    """
    return fullness**FULL_POWER - np.where(fullness < MOST_FULL, weight * discount, 0.0)


def place(trace, source, config):
    """The task's interface: the experts of all slots, layer by layer. Any other method may stand here."""
    return layer_by_layer(trace, source, config)


# EVOLVE-BLOCK-END


def layer_by_layer(trace, source, config):
    """Every layer packed in the light of the one before, then of the one after too."""
    layers, experts, gpus = config["layers"], config["experts"], config["gpus"]
    follows = config["residency"] == "follow"
    rows = [None] * layers
    ids = trace.astype(np.int64)
    for turn in range(int(np.clip(PASSES, 1, 4))):
        seats = source.astype(np.int64)
        for layer in range(layers):
            arriving = counted(seats, ids[:, layer], gpus, experts)
            leaving = np.zeros((gpus, experts))
            if follows and turn and layer + 1 < layers:
                places = home_of(rows[layer + 1], experts, gpus)[ids[:, layer + 1]]
                leaving = counted_pairs(places, ids[:, layer, 0], gpus, experts)
            rows[layer] = pack(ids[:, layer], arriving, leaving, config)
            if follows:
                seats = home_of(rows[layer], experts, gpus)[ids[:, layer, 0]]
    return np.array(rows, dtype=np.int32)


def pack(picks, arriving, leaving, config):
    """One layer's row; arriving and leaving: tokens of each expert on each GPU before and after, (G, E)."""
    gpus, nodes, experts = config["gpus"], config["nodes"], config["experts"]
    room = config["slots_per_gpu"]
    loads = np.bincount(picks.ravel(), minlength=experts).astype(float)
    together_EE = together(picks, experts)
    counts = copies_of(loads, config["slots"], gpus)
    items = np.repeat(np.arange(experts), counts)
    part = loads / counts
    mean = max(loads.sum() / gpus, TINY)
    weight, held = np.zeros(gpus), np.zeros((gpus, experts), dtype=bool)
    free = np.full(gpus, room)
    by_node = np.arange(gpus) // (gpus // nodes)
    scale = 1.0 / np.maximum(loads, 1.0)
    here, onward = arriving * scale, leaving * scale
    prices = link_prices(*pick_us(loads, config))
    drawn = pull(*prices, here, on_node(here, nodes), onward, on_node(onward, nodes)) + np.zeros_like(here)
    beside = np.zeros((gpus, experts))  # picks of each expert's tokens that a GPU has
    for expert in items[np.argsort(-part[items], kind="stable")]:
        mates = beside[:, expert] * scale[expert]
        near = np.bincount(by_node, mates)[by_node]
        fullness = (weight + part[expert]) / mean
        discount = drawn[:, expert] + company(*prices, mates, near)
        cost = price(fullness, part[expert] / mean, discount)
        open_gpus = (free > 0) & ~held[:, expert]
        if not open_gpus.any():
            make_room(held, free, weight, expert, part)
            continue
        gpu = int(np.where(open_gpus, cost, np.inf).argmin())
        gpu = gpu if open_gpus[gpu] else int(open_gpus.argmax())
        held[gpu, expert] = True
        free[gpu] -= 1
        weight[gpu] += part[expert]
        beside[gpu] += together_EE[expert]
    return np.concatenate([np.flatnonzero(own) for own in held])


def pick_us(loads, config):
    """Microseconds of a pick on a mean GPU: compute, and a copy out and back within a node and between nodes."""
    table, rate = config["cost_us"], config["tokens"] * config["top_k"] / max(loads.sum(), 1.0)
    tokens = np.ceil(loads * rate).astype(int)
    beyond = config["cost_slope_us"] * np.maximum(tokens - len(table) + 1, 0)
    compute = (table[np.minimum(tokens, len(table) - 1)] + beyond).sum() / max(tokens.sum(), 1)
    copy = 1e6 * (config["dispatch_bytes"] + config["combine_bytes"])
    far = copy / config["bandwidths"]["inter_node"] if config["nodes"] > 1 else 0.0
    return compute, copy / config["bandwidths"]["intra_node"], far


def make_room(held, free, weight, expert, part):
    """The GPUs with room have the expert already: another GPU gives one of its own to such a one, and takes this."""
    target = int((free > 0).argmax())
    for gpu in np.argsort(weight):
        given = np.flatnonzero(held[gpu] & ~held[target])
        if not held[gpu, expert] and given.size:
            moved = given[0]
            held[gpu, moved], held[gpu, expert], held[target, moved] = False, True, True
            weight[gpu] += part[expert] - part[moved]
            weight[target] += part[moved]
            free[target] -= 1
            return


def on_node(values, nodes):
    """The sum over each GPU's node, (G, E)."""
    by_node = values.reshape(nodes, -1, values.shape[1]).sum(axis=1)
    return np.repeat(by_node, len(values) // nodes, axis=0)


def home_of(row, experts, gpus):
    """The first GPU that has each expert, (E,)."""
    homes = np.zeros(experts, dtype=np.int64)
    slots = np.arange(len(row))[::-1]
    homes[row[::-1]] = slots // (len(row) // gpus)
    return homes


def counted(seats, picks, gpus, experts):
    """Tokens on each GPU that pick each expert, (G, E)."""
    cells = (seats[:, None] * experts + picks).ravel()
    return np.bincount(cells, minlength=gpus * experts).reshape(gpus, experts).astype(float)


def counted_pairs(places, first, gpus, experts):
    """Picks on each GPU of tokens with each first choice, (G, E)."""
    cells = (places * experts + first[:, None]).ravel()
    return np.bincount(cells, minlength=gpus * experts).reshape(gpus, experts).astype(float) / places.shape[1]


def together(picks, experts):
    """Tokens that pick both experts, (E, E), nothing on the diagonal."""
    chosen = np.zeros((len(picks), experts), dtype=np.float32)
    chosen[np.arange(len(picks))[:, None], picks] = 1.0
    both = chosen.T @ chosen
    np.fill_diagonal(both, 0.0)
    return both
