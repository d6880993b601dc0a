"""Whether an attempt costs the same in a large run: sampling, novelty checks and archiving together, by run size.

Usage: ``python -m benchmarks.search_scale [--million] [--postgres URL-of-an-empty-database]``

All candidates are in ONE run. Of each attempt are measured: ask (parent, donor, inspirations), the digests looked up
in memory as the gate does it, what behaves alike, the sources read from the archive, every row written (see
`benchmarks.archive_cost`), and tell. No model, no evaluation. CPU is this process's: PostgreSQL's server comes on top.
`nearest` is the search for a near embedding among the 5,000 that are kept, which is off by default, and apart.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from archive.records import Candidate
from archive.store import Archive
from benchmarks.archive_cost import REPEATS, begin, carry_attempt, digest_of, fill, score_of, source_of
from benchmarks.stamp import write_result
from evolve.novelty.behaviours import Behaviours
from evolve.novelty.known import NoveltyIndex, source_digest
from evolve.novelty.neighbours import CAPACITY, Neighbours
from evolve.search.request import Member, MutationRequest, Told
from evolve.search.search import Search, SearchConfig

NUM_INSTANCES = 12
EMBEDDING_NUMBERS = 1_536


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


def spread_of(action: Callable[[int], object]) -> dict[str, float]:
    """Milliseconds of one call: medians of CPU and wall, and the 95th percentile of wall."""
    cpu_s, wall_s = [], []
    for number in range(REPEATS):
        began_cpu_s, began_s = time.process_time(), time.perf_counter()
        action(number)
        cpu_s.append(time.process_time() - began_cpu_s)
        wall_s.append(time.perf_counter() - began_s)
    return {
        "cpu_ms": round(float(np.median(cpu_s)) * 1e3, 3),
        "wall_ms": round(float(np.median(wall_s)) * 1e3, 3),
        "wall_95_ms": round(float(np.quantile(wall_s, 0.95)) * 1e3, 3),
    }


def measure(url: str, size: int) -> dict[str, object]:
    """What an attempt costs after `size` others."""
    with Archive.open(url) as archive:
        began_cpu_s = time.process_time()
        run = LargeRun(archive, size)
        fill_cpu_s = round(time.process_time() - began_cpu_s)
        whole = spread_of(run.attempt)
        checks = spread_of(lambda number: run.check(REPEATS + number))
    return {"attempt": whole, "checks": checks, "fill_cpu_s": fill_cpu_s, "load_average_1_min": os.getloadavg()[0]}


def measure_file(size: int) -> dict[str, object]:
    """The same in a new SQLite file, with its size."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.db"
        return {**measure(f"sqlite:///{path}", size), "file_mb": path.stat().st_size >> 20}


def measure_nearest() -> dict[str, float]:
    """One program compared with all that are kept, and added."""
    vectors = np.random.default_rng(0).normal(size=(CAPACITY + REPEATS, EMBEDDING_NUMBERS)).astype(np.float32)
    neighbours = Neighbours()
    for number in range(CAPACITY):
        neighbours.add(str(number), vectors[number])

    def look_up(number: int) -> None:
        neighbours.nearest(vectors[CAPACITY + number])
        neighbours.add(str(CAPACITY + number), vectors[CAPACITY + number])

    return spread_of(look_up)


def main() -> None:
    """Measures, prints and stores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--million", action="store_true", help="also 10^6 candidates: about 4 GB and ten minutes")
    parser.add_argument("--postgres", metavar="URL", help="also an empty PostgreSQL database, with 10^5 candidates")
    options = parser.parse_args()
    figures: dict[str, object] = {"repeats": REPEATS, "nearest": measure_nearest()}
    for size in [1_000, 100_000, 1_000_000][: 3 if options.million else 2]:
        figures[f"sqlite_{size}"] = measure_file(size)
        write_result("search_scale", figures)
    if options.postgres:
        figures["postgres_100000"] = measure(options.postgres, 100_000)
        write_result("search_scale", figures)


if __name__ == "__main__":
    main()
