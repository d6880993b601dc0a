"""The cheapest tree over source and destinations alone, without relays, by price; all partitions alike.

Source: J. Edmonds, "Optimum branchings", Journal of Research of the National Bureau of Standards 71B (1967), and
Y. Chu and T. Liu (1965): every region takes its cheapest parent; a circle is shrunk to one region, and opened again
where that costs least.
"""

import numpy as np


def circle_in(parents, root):
    """A circle that the parents form, or nothing."""
    for start in parents:
        seen, here = [], start
        while here != root and here not in seen:
            seen.append(here)
            here = parents[here]
        if here != root:
            return seen[seen.index(here) :]
    return []


def arborescence(length, regions, root):
    """Parents of the cheapest tree from the root over `regions`; `length` maps pairs to prices."""
    parents = {
        there: min((here for here in regions if (here, there) in length), key=lambda here: length[here, there])
        for there in regions
        if there != root
    }
    circle = circle_in(parents, root)
    if not circle:
        return parents
    whole = ("circle", *circle)  # one region in the place of several
    shrunk, entry, leaving = {}, {}, {}
    for (here, there), usd in length.items():
        if here in circle and there in circle:
            continue
        if there in circle:
            detour = usd - length[parents[there], there]
            if detour < shrunk.get((here, whole), np.inf):
                shrunk[here, whole], entry[here] = detour, there
        elif here in circle:
            if usd < shrunk.get((whole, there), np.inf):
                shrunk[whole, there], leaving[there] = usd, here
        else:
            shrunk[here, there] = usd
    rest = [region for region in regions if region not in circle] + [whole]
    found = arborescence(shrunk, rest, root)
    opened = {there: leaving[there] if here == whole else here for there, here in found.items() if there != whole}
    opened |= {there: parents[there] for there in circle}
    opened[entry[found[whole]]] = found[whole]
    return opened


def plan(transfer):
    """The task's interface: a tree for each partition."""
    source, regions = transfer["source"], [transfer["source"], *transfer["destinations"].tolist()]
    usd = transfer["usd_per_gb"]
    pairs = [(here, there) for here in regions for there in regions if here != there != source]
    length = {(here, there): float(usd[here, there]) for here, there in pairs}
    tree = np.full(transfer["regions"], -1, dtype=np.int64)
    for there, here in arborescence(length, regions, source).items():
        tree[there] = here
    return np.tile(tree, (transfer["partitions"], 1))
