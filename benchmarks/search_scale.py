"""Whether an attempt costs the same in a large run: sampling, novelty checks and archiving together, by run size.

Usage: ``python -m benchmarks.search_scale [--million]``

All candidates are in ONE run. Of each attempt are measured: ask (parent, donor, inspirations), the digests looked up
in memory as the driver does it, what behaves alike, the sources read from the archive, every row written (see
`benchmarks.archive_cost`), and tell. No model, no evaluation. Each figure is the median over the repeats.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from archive.records import Candidate
from archive.store import Archive
from benchmarks.archive_cost import REPEATS, begin, carry_attempt, cost_of, digest_of, fill, score_of, source_of
from benchmarks.stamp import write_result
from evolve.behaviours import Behaviours
from evolve.novelty import NoveltyIndex, source_digest
from evolve.request import Member, MutationRequest, Told
from evolve.search import Search, SearchConfig

NUM_INSTANCES = 12


class LargeRun:
    """A run of `size` told attempts, in memory and in an archive."""

    def __init__(self, archive: Archive, size: int) -> None:
        self._archive = archive
        self._size = size
        self._parent_id = begin(archive)
        fill(archive, size, self._parent_id)
        self._search = Search(SearchConfig(), [member_of(self._parent_id, 0.0, None)])
        self._novelty = NoveltyIndex()
        self._behaviours = Behaviours()
        for number in range(size):
            request = self._search.ask(np.random.default_rng([1, number]))
            self._tell(request, source_digest(source_of(number)), score_of(number))
            self._novelty.add(source_digest(source_of(number)), digest_of(number))
            self._behaviours.add(digest_of(number)[:16], source_digest(source_of(number)), number)

    def ask(self, number: int) -> MutationRequest:
        """The ask of the attempt that comes `number` after the others."""
        return self._search.ask(np.random.default_rng([1, self._size + number]))

    def check(self, number: int) -> None:
        """What the gate and the races look up."""
        place = self._size + number
        assert self._novelty.check_digests(source_digest(source_of(place)), digest_of(place)) is None
        self._behaviours.find(digest_of(number)[:16], place)

    def attempt(self, number: int) -> None:
        """A whole attempt."""
        place = self._size + number
        request = self.ask(number)
        self.check(number)
        self._archive.sources([request.parent.candidate_id, *(m.candidate_id for m in request.inspirations)])
        candidate = Candidate.of(source_of(place), digest_of(place))
        carry_attempt(self._archive, place, self._parent_id, candidate)
        self._tell(request, candidate.id, score_of(place))
        self._novelty.add(candidate.id, digest_of(place))

    def _tell(self, request: MutationRequest, candidate_id: str, score: float) -> None:
        parent = request.parent.candidate_id
        member = member_of(candidate_id, score, request.index)
        self._search.tell(Told(index=request.index, island=request.island, parent_id=parent, member=member))


def member_of(candidate_id: str, score: float, index: int | None) -> Member:
    """A member whose instance scores follow from its score."""
    scores = tuple(score + place / 100 for place in range(NUM_INSTANCES))
    return Member(candidate_id=candidate_id, score=score, instance_scores=scores, attempt_index=index, parent_id=None)


def measure(size: int) -> dict[str, object]:
    """What an attempt costs after `size` others."""
    with tempfile.TemporaryDirectory() as folder, Archive.open(f"sqlite:///{folder}/run.db") as archive:
        run = LargeRun(archive, size)
        whole = cost_of(run.attempt)
        checks = cost_of(lambda number: run.check(REPEATS + number))
        return {"attempt": whole, "checks": checks, "file_mb": (Path(folder) / "run.db").stat().st_size >> 20}


def main() -> None:
    """Measures, prints and stores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--million", action="store_true", help="also 10^6 candidates: about 7 GB and half an hour")
    sizes = [1_000, 100_000, 1_000_000][: 3 if parser.parse_args().million else 2]
    write_result("search_scale", {"repeats": REPEATS, **{f"sqlite_{size}": measure(size) for size in sizes}})


if __name__ == "__main__":
    main()
