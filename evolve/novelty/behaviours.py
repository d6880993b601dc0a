"""Which programs of a run did the same on the smoke instances: where a program may find its twin. Pure."""

from __future__ import annotations

from collections import defaultdict

MOST_TWINS = 16  # of one smoke digest: those told last, one for each behaviour in full


class Behaviours:
    """Programs with a search score, by the digest of what they did in smoke. Twins of earlier ones are not added."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[int, str]]] = defaultdict(list)

    def add(self, smoke_digest: str, candidate_id: str, tell_order: int) -> None:
        """Remember a program that was told as number `tell_order`, founders as -1; no digest, nothing to remember."""
        if smoke_digest:
            self._known[smoke_digest].append((tell_order, candidate_id))

    def find(self, smoke_digest: str, before: int) -> list[str]:
        """Programs told before tell `before` that did the same in smoke, the oldest first.

        What an attempt may see follows from its ask, not from what happens to have ended: so a run repeats.
        """
        known = self._known.get(smoke_digest, ())
        return [candidate_id for order, candidate_id in known if order < before][-MOST_TWINS:]
