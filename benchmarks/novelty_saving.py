"""What the check by syntax saves: proposals that would repeat a program of their run if none was known.

Usage: ``python -m benchmarks.novelty_saving ARCHIVE_URL [--name NAME]``

For every attempt of the genetic proposer in the finished runs of an archive, the same parent is changed again by a
proposer that knows of no program; it crosses with the attempt's inspirations as often as the run did. Counted are the
children that are equal, by the digest of their normalised syntax tree, to a program that the run had when it asked:
each would have used up an attempt. How many of them are equal by text too is reported; the interval is over runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from archive.records import Run, RunStatus
from archive.store import Archive
from benchmarks.stamp import write_result
from evolve.config import RunConfig
from evolve.genetic import GeneticChild, propose
from evolve.genetic.operators import mutations
from evolve.novelty.known import ast_digest
from evolve.search.request import Member, MutationRequest, Operator
from evolve.strategies import student_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The proposals of one run."""

    sampler: str
    proposals: int
    repeats: int  # equal by syntax to what the run had
    copies: int  # of these, equal by text


def counted(archive: Archive, run: Run) -> Counted:
    """Every attempt of a run, proposed again without knowing anything."""
    config = RunConfig.model_validate_json(run.config)
    table = mutations(config.number_share)
    founders = [archive.candidate(founder.candidate_id) for founder in archive.founders(run.id)]
    syntax = {ast_digest(founder.source) for founder in founders}
    texts = {founder.source for founder in founders}
    proposals = repeats = copies = 0
    for attempt in archive.attempts(run.id):
        rng = np.random.default_rng([config.seed or 0, attempt.index])
        crosses = attempt.inspiration_ids and rng.random() < config.crossover
        request = MutationRequest(
            index=attempt.index,
            island=attempt.island,
            operator=Operator.CROSSOVER if crosses else Operator.MUTATE,
            parent=_member(attempt.parent_id),
            inspirations=tuple(map(_member, attempt.inspiration_ids)),
            num_tells=attempt.num_tells,
        )
        donors = [archive.candidate(donor).source for donor in attempt.inspiration_ids]
        parent = archive.candidate(attempt.parent_id).source
        child = propose(request, parent, donors, rng, lambda _: False, table)
        if isinstance(child, GeneticChild):
            proposals += 1
            repeats += child.ast_digest in syntax
            copies += child.source in texts
        if attempt.candidate_id is not None:
            own = archive.candidate(attempt.candidate_id)
            syntax.add(own.ast_digest)
            texts.add(own.source)
    return Counted(sampler=config.sampler, proposals=proposals, repeats=repeats, copies=copies)


def _member(candidate_id: str) -> Member:
    return Member(candidate_id=candidate_id, score=0.0, instance_scores=(), attempt_index=None, parent_id=None)


def main(url: str, name: str) -> None:
    """All finished runs, by how they drew parents."""
    with Archive.open(url) as archive:
        found = [counted(archive, run) for run in archive.runs() if run.status is RunStatus.FINISHED]
    samplers = sorted({one.sampler for one in found})
    write_result(name, {sampler: figures([one for one in found if one.sampler == sampler]) for sampler in samplers})


def figures(runs: Sequence[Counted]) -> dict[str, object]:
    """The share of repeats, and its 95 % interval over runs (Student's t; None of a single run)."""
    shares = [run.repeats / run.proposals for run in runs]
    low, high = student_interval(shares)
    return {
        "runs": len(runs),
        "proposals": sum(run.proposals for run in runs),
        "repeated_share": fmean(shares),
        "low": low,
        "high": high,
        "of_them_by_text": sum(run.copies for run in runs) / max(1, sum(run.repeats for run in runs)),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="SQLAlchemy URL of an archive with runs of the genetic proposer")
    parser.add_argument("--name", default="novelty_saving", help="of the result file")
    arguments = parser.parse_args()
    main(arguments.archive, arguments.name)
