"""What a run knows of its programs, again from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from archive.records import Attempt, Founder
from archive.store import Archive
from evolve.config import RunConfig
from evolve.llm.embedder import FLOAT32
from evolve.novelty.behaviours import Behaviours
from evolve.novelty.known import NoveltyIndex
from evolve.novelty.neighbours import CAPACITY, Neighbours
from evolve.search.request import Member


def known_behaviours(
    founders: Sequence[Founder],
    attempts: Sequence[Attempt],
    population: Mapping[str, Member],
    smoke_digests: Mapping[str, str],
) -> Behaviours:
    """What the scored programs of the run did in smoke, in the order told, the twins among them left out."""
    behaviours = Behaviours()
    for founder in founders:
        if founder.candidate_id in population:
            behaviours.add(smoke_digests.get(founder.candidate_id, ""), founder.candidate_id, -1)
    told = sorted((a for a in attempts if a.tell_order is not None), key=lambda a: a.tell_order or 0)
    for attempt in told:
        candidate_id = attempt.candidate_id or ""
        if attempt.is_evaluation and candidate_id in population:
            behaviours.add(smoke_digests.get(candidate_id, ""), candidate_id, attempt.tell_order or 0)
    return behaviours


def known_vectors(archive: Archive, config: RunConfig, attempts: Sequence[Attempt]) -> Neighbours:
    """The embeddings of the last programs that passed the gate and of their parents, in the order of asks."""
    neighbours = Neighbours()
    if config.embedding is None:
        return neighbours
    last = [attempt for attempt in attempts if attempt.candidate_id][-CAPACITY:]
    order = (i for a in last for i in (a.parent_id, None if a.rejection else a.candidate_id) if i)
    ids = list(dict.fromkeys(order))
    vectors = archive.embeddings(config.embedding.name, ids)
    for candidate_id in ids:
        if candidate_id in vectors:
            neighbours.add(candidate_id, np.frombuffer(vectors[candidate_id], FLOAT32))
    return neighbours


def known_programs(archive: Archive, founders: Sequence[Founder], attempts: Sequence[Attempt]) -> NoveltyIndex:
    """Every program of the run, founders first, so that of two equal ones the first stays the neighbour."""
    novelty = NoveltyIndex()
    ids = [founder.candidate_id for founder in founders]
    ids += [attempt.candidate_id for attempt in attempts if attempt.candidate_id and not attempt.rejection]
    digests = archive.ast_digests(ids)
    for candidate_id in ids:
        novelty.add(candidate_id, digests[candidate_id])
    return novelty
