"""Adaptive replacement: objects used once and objects used again are two lists, and misses move the border.

Source: after ARC (Megiddo and Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003): ghosts of what
each list lost say which should have been longer. Several objects are needed at once here, so evictions are learnt
afterwards.
"""

import numpy as np

NOWHERE, ONCE, AGAIN, ONCE_LOST, AGAIN_LOST = range(5)
ABOVE = 1e5  # more than there are events


class Policy:
    """The task's interface: `decide` when a layer's router has chosen."""

    def __init__(self, config: dict) -> None:
        self.layers, self.capacity = config["layers"], config["capacity"]
        shape = config["layers"], config["experts"]
        self.place = np.full(shape, NOWHERE, dtype=np.int8)
        self.stamp = np.zeros(shape, dtype=np.float32)
        self.target = 0.0  # slots meant for what was used once

    def decide(self, event: dict) -> dict:
        """The list above its share goes first, each list's least recent object first."""
        resident, place, layer = event["resident"], self.place, event["layer"]
        place[resident & (place == NOWHERE)] = ONCE
        place[~resident & (place == ONCE)] = ONCE_LOST
        place[~resident & (place == AGAIN)] = AGAIN_LOST
        self._adapt(place[layer][event["tokens"] > 0])
        self._use(layer, event["tokens"] > 0, event["step"] * self.layers + layer + 1)
        favoured = AGAIN if np.count_nonzero(place == ONCE) > self.target else ONCE
        return {"keep": self.stamp + np.float32(ABOVE) * (place == favoured)}

    def _adapt(self, places: np.ndarray) -> None:
        once, again = np.count_nonzero(self.place == ONCE_LOST), np.count_nonzero(self.place == AGAIN_LOST)
        hits_once, hits_again = np.count_nonzero(places == ONCE_LOST), np.count_nonzero(places == AGAIN_LOST)
        self.target += hits_once * max(1.0, again / max(1, once)) - hits_again * max(1.0, once / max(1, again))
        self.target = min(max(self.target, 0.0), float(self.capacity))

    def _use(self, layer: int, needed: np.ndarray, stamp: int) -> None:
        place = self.place[layer]
        place[needed] = np.where(place[needed] == NOWHERE, ONCE, AGAIN)
        self.stamp[layer, needed] = stamp
        for lost in (ONCE_LOST, AGAIN_LOST):  # ghosts: no more than there are slots, the oldest are forgotten
            ghosts = np.flatnonzero(self.place.reshape(-1) == lost)
            if len(ghosts) > self.capacity:
                oldest = ghosts[np.argsort(self.stamp.reshape(-1)[ghosts])[: len(ghosts) - self.capacity]]
                self.place.reshape(-1)[oldest] = NOWHERE
