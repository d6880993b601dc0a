"""Shortest makespan first over all that wait, with further ideas laid open as constants at neutral values.

Method: SMF (Cheng et al., "Towards Optimal Transaction Scheduling", VLDB 2024) without the sampling: always the
transaction with which the makespan grows least, of those the one that ends first. With the constants below it is that
and nothing else; each further idea has weight zero, to be turned.
"""

import numpy as np

Array = np.ndarray
NO_DELAY = -1_000_000
STEPS = 40_000  # rows that may be passed per batch: what keeps any choice of constants within the CPU limit
MOVE = 20  # what a move costs besides, in rows

# EVOLVE-BLOCK-START
GROWTH = 0.0  # further against each slot by which the makespan grows
END = 1.0  # against a late end
LENGTH = 0.0  # for long transactions, per operation
CONTENTION = 0.0  # for those that conflict with many of the rest, all of them being 1
APART = 0.0  # for those that keep the rest far apart: mean slots between them, in both orders
PUSH = 0.0  # against delaying the rest: mean slots by which their starts would move
WRITES = 0.0  # for the share of operations that write
WAITED = 0.0  # for the place in order of arrival, the oldest being 1
REACH = 0.0  # how far back from the end a transaction may be put in, as a share of the order so far: 0 only at the end
LAST = 1.0  # 1: of equally good places the last, 0: the first
POLISH = 0.0  # times that each transaction is taken out and put where the makespan is least, as far as the steps last
CRITICAL = 0.0  # share of these moves that take one on the longest path, instead of any


def preference(ends: Array, growth: Array, lengths: Array, contention: Array, apart: Array, push: Array) -> Array:
    """How much each transaction left should be admitted next; all arrays are of those left."""
    cost = GROWTH * growth + END * ends + PUSH * push
    return LENGTH * lengths + CONTENTION * contention + APART * apart - cost


def place_cost(makespans: Array, places: Array) -> Array:
    """What decides between places; `places` runs from 0 at the front to 1 at the end."""
    return makespans + 0.5 * (1.0 - 2.0 * LAST) * places


def reach(later: int, streaming: bool) -> float:
    """Share of the order so far, from its end, that a transaction may be put into."""
    return REACH


def polish(size: int, later: int, streaming: bool) -> int:
    """Number of moves after the order has been built."""
    return int(POLISH * size)


class Policy:
    """The task's interface. Any other method may stand here."""

    def __init__(self, config: dict) -> None:
        self.builder = Builder(config)

    def order(self, batch: dict) -> Array:
        """The batch's rows in the order in which they are admitted."""
        return self.builder.order(batch)


# EVOLVE-BLOCK-END


class Builder:
    """Orders that are built, then improved, as far as the steps last."""

    def __init__(self, config: dict) -> None:
        self.rng = np.random.default_rng(config["seed"])
        self.streaming = config["kind"] == "stream"
        self.steps = STEPS // -(-config["transactions"] // config["admit"])  # of one call

    def order(self, batch: dict) -> np.ndarray:
        """Build the order, then improve it."""
        later, size = batch["later"], len(batch["lengths"])
        share = float(min(max(np.nan_to_num(reach(later, self.streaming)), 0.0), 1.0))
        order = build(batch, share if size * size // 2 <= self.steps else 0.0)
        moves = min(
            max(polish(size, later, self.streaming), 0), self.steps // (size + MOVE) - (size // 2 if share else 0)
        )
        return np.array(improve(batch, order, moves, self.rng))


def build(batch: dict, share: float) -> list:
    """Transactions one by one, the preferred one next, put in at the end or up to a share of the order before it."""
    lengths, delays = batch["lengths"], batch["delays"]
    conflict = delays > NO_DELAY
    both_ways = np.where(conflict, delays + delays.T, 0)
    extra = WRITES * batch["writes"].sum(axis=1) / lengths + WAITED * np.linspace(1.0, 0.0, len(lengths))
    ready, end = batch["ready"].copy(), batch["makespan"]
    left, order = np.arange(len(lengths)), []
    while len(left):
        ends, there = ready[left] + lengths[left], np.ix_(left, left)
        growth = np.maximum(ends - end, 0)
        pushed = np.maximum(ready[left][:, None] + delays[there] - ready[left], 0).mean(axis=1) if PUSH else 0.0 * ends
        wish = preference(
            ends, growth, lengths[left], conflict[there].mean(axis=1), both_ways[there].mean(axis=1), pushed
        )
        row = int(left[np.nan_to_num(np.broadcast_to(wish + extra[left], left.shape)).argmax()])
        first = len(order) - int(share * len(order))
        place = len(order) if first == len(order) else best_place(insertions(batch, order, row), first)
        order.insert(place, row)
        left = left[left != row]
        if place == len(order) - 1:
            end = max(end, int(ready[row] + lengths[row]))
            np.maximum(ready, delays[row] + ready[row], out=ready)
        else:
            ready, end = after(batch, order)
    return order


def improve(batch: dict, order: list, moves: int, rng: np.random.Generator) -> list:
    """Single transactions taken out and put where the makespan is least, as long as it does not grow."""
    best = np.inf
    for _ in range(moves if len(order) > 1 else 0):
        moved = order[int(rng.integers(len(order)))]
        if rng.random() < CRITICAL:
            path = starts(batch, order) + tails(batch, order)
            moved = order[int(rng.choice(np.flatnonzero(path == path.max())))]
        rest = [row for row in order if row != moved]
        makespans = insertions(batch, rest, moved)
        if makespans.min() <= best:
            best = makespans.min()
            place = int(rng.choice(np.flatnonzero(makespans == best)))
            order = [*rest[:place], moved, *rest[place:]]
    return order


def best_place(makespans: Array, first: int) -> int:
    """The cheapest place from `first` on."""
    cost = np.nan_to_num(place_cost(makespans[first:], np.linspace(0.0, 1.0, len(makespans))[first:]))
    return first + int(np.broadcast_to(cost, makespans[first:].shape).argmin())


def after(batch: dict, order: list) -> tuple:
    """Ready slots and makespan once the order is admitted."""
    ready, delays, lengths, end = batch["ready"].copy(), batch["delays"], batch["lengths"], batch["makespan"]
    for row in order:
        start = ready[row]
        end = max(end, start + lengths[row])
        np.maximum(ready, delays[row] + start, out=ready)
    return ready, int(end)


def starts(batch: dict, order: list) -> np.ndarray:
    """The slot in which each of the order starts."""
    ready, delays, found = batch["ready"].copy(), batch["delays"], np.zeros(len(order), dtype=np.int64)
    for place, row in enumerate(order):
        found[place] = start = ready[row]
        np.maximum(ready, delays[row] + start, out=ready)
    return found


def tails(batch: dict, order: list) -> np.ndarray:
    """Slots from the start of each of the order to the end of the last one that has to wait for it."""
    tail, delays, found = batch["lengths"].copy(), batch["delays"].T, np.zeros(len(order), dtype=np.int64)
    for place in range(len(order) - 1, -1, -1):
        row = order[place]
        found[place] = until = tail[row]
        np.maximum(tail, delays[row] + until, out=tail)
    return found


def insertions(batch: dict, rest: list, moved: int) -> np.ndarray:
    """Makespan with `moved` put in at each place of the order `rest`: the longest path goes through it or does not."""
    start, tail, delays = starts(batch, rest), tails(batch, rest), batch["delays"]
    before = np.concatenate([batch["ready"][[moved]], start + delays[rest, moved]])
    behind = np.concatenate([tail + delays[moved, rest], batch["lengths"][[moved]]])
    through = np.maximum.accumulate(before) + np.maximum.accumulate(behind[::-1])[::-1]
    return np.maximum(through, (start + tail).max(initial=0))
