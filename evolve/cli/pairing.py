"""Brings two programs onto equal instances: what is archived is taken, what is missing is evaluated here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from archive.records import Candidate, EvaluationKey, StoredEvaluation
from archive.store import Archive
from evaluators import registry
from evaluators.contract import Evaluation, Outcome, ParameterValue, PlannerClock, Split, Tier
from evaluators.problem import Problem
from evaluators.seeding import SeedSource
from evaluators.sources import read_assignments, read_program
from evolve.comparison import Comparison, ComparisonError, compare
from evolve.execution.opening import local_backend
from evolve.identity import problem_of
from evolve.run.session import candidate_of, public_secrets
from evolve.run.stages import Stages

_TIERS = list(Tier)  # smallest first


@dataclass(frozen=True, slots=True)
class Terms:
    """What two programs are compared on, as the user said it."""

    task: str | None
    settings: tuple[str, ...]
    split: Split
    tier: Tier | None
    seed: int
    clock: PlannerClock | None
    allow_unsafe: bool = False


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the two programs."""

    name: str
    candidate: Candidate
    evaluations: Sequence[StoredEvaluation]  # finished ones, oldest first


@dataclass(frozen=True, slots=True)
class Contest:
    """A comparison and what it was made on."""

    a: Contender
    b: Contender
    task: str
    parameters: Mapping[str, ParameterValue]
    seeds: str
    environment_class: str
    comparison: Comparison


def contest(url: str, first: str, second: str, terms: Terms) -> Contest:
    """The comparison of two programs.

    Raises:
        ComparisonError: A program file without a task, or programs that were never scored on one task.
        ArchiveError: An unknown or ambiguous id, or no archive to look in.
        BackendError: They cannot be evaluated here.
    """
    has_files = is_file(first) or is_file(second)
    if has_files and terms.task is None:
        raise ComparisonError(f"{first if is_file(first) else second} is a program file: say its task with --task")
    with Archive.open(url, create=is_file(first) and is_file(second)) as archive:
        a, b = _contender(archive, first), _contender(archive, second)
        problem = _problem(archive, a, b, terms)
        secrets = public_secrets(archive, problem.task, terms.seed)
        seeds = SeedSource(secrets[terms.split], terms.split).digest()
        found = _archived_pair(a, b, problem.task.identity, seeds, terms)
        if found is None:
            found = asyncio.run(_evaluated_pair(archive, a, b, problem, secrets, terms))
        return Contest(
            a=a,
            b=b,
            task=problem.task.name,
            parameters=problem.task.parameters,
            seeds=seeds,
            environment_class=found[0].environment_class,
            comparison=compare(a.name, found[0], b.name, found[1]),
        )


def is_file(word: str) -> bool:
    """Whether a word means a program file: what exists does, and what looks like one; all else is an id or a name."""
    path = Path(word)
    is_ranked_name = re.fullmatch(r"\w+/\d+", word) is not None  # RUN/ATTEMPT
    return path.is_file() or path.suffix == ".py" or (len(path.parts) > 1 and not is_ranked_name)


def _contender(archive: Archive, word: str) -> Contender:
    if is_file(word):
        candidate, name = candidate_of(read_program(Path(word))), Path(word).stem
        archive.add_candidate(candidate)
    else:
        candidate = archive.candidate(word)
        name = candidate.id[:10] if candidate.id.startswith(word.lower()) else word
    stored = archive.evaluations(candidate.id)
    unfinished = (Outcome.INFRASTRUCTURE, Outcome.STOPPED)
    return Contender(name, candidate, [s for s in stored if s.evaluation.outcome not in unfinished])


def _problem(archive: Archive, a: Contender, b: Contender, terms: Terms) -> Problem:
    """The task both are compared on: the one that was said, or the only one on which both were scored."""
    if terms.task is not None:
        return registry.problem(terms.task).configured(read_assignments(terms.settings))
    if terms.settings:
        raise ComparisonError("--set needs --task: say which task is meant")
    shared = [identity for identity in _identities(a) if identity in _identities(b)]
    if not shared:
        raise ComparisonError(
            f"{a.name} and {b.name} were not scored on the same task with the same parameters ({_tasks(a)} and "
            f"{_tasks(b)}), so their scores do not compare; --task and --set evaluate both on one"
        )
    if len(shared) > 1:
        raise ComparisonError(
            f"{a.name} and {b.name} were both scored on {_tasks(a)}: say which is meant with --task and --set"
        )
    return problem_of(archive, _identities(a)[shared[0]], shared[0])


def _identities(contender: Contender) -> dict[str, str]:
    """Task by task identity."""
    return {stored.evaluation.task_identity: stored.evaluation.task for stored in contender.evaluations}


def _tasks(contender: Contender) -> str:
    return ", ".join(f"{task} {identity}" for identity, task in _identities(contender).items()) or "none"


def _archived_pair(
    a: Contender, b: Contender, identity: str, seeds: str, terms: Terms
) -> tuple[Evaluation, Evaluation] | None:
    """Two archived evaluations on equal terms: on the largest tier, and there the newest."""
    of_b = {_equal_terms(stored.key): stored for stored in b.evaluations}
    pairs = [
        (stored, of_b[_equal_terms(stored.key)])
        for stored in _fitting(a, identity, seeds, terms)
        if _equal_terms(stored.key) in of_b
    ]
    if not pairs:
        return None
    first, second = max(pairs, key=lambda pair: (_TIERS.index(pair[0].evaluation.tier), pair[0].id))
    return first.evaluation, second.evaluation


def _equal_terms(key: EvaluationKey) -> tuple[str, ...]:
    return (key.task_identity, key.tier, key.split, key.seeds, key.environment_class, key.planner_clock)


def _fitting(contender: Contender, identity: str, seeds: str, terms: Terms) -> list[StoredEvaluation]:
    """The archived evaluations that the user's terms allow."""
    return [
        stored
        for stored in contender.evaluations
        if (stored.evaluation.task_identity, stored.evaluation.seeds) == (identity, seeds)
        and terms.tier in (None, stored.evaluation.tier)
        and terms.clock in (None, stored.planner_clock)
    ]


async def _evaluated_pair(
    archive: Archive, a: Contender, b: Contender, problem: Problem, secrets: Mapping[Split, str], terms: Terms
) -> tuple[Evaluation, Evaluation]:
    """Both evaluations in this machine's environment class, executed where the archive lacks them."""
    seeds = SeedSource(secrets[terms.split], terms.split).digest()
    fitting = [s for contender in (a, b) for s in _fitting(contender, problem.task.identity, seeds, terms)]
    newest = max(fitting, key=lambda s: (_TIERS.index(s.evaluation.tier), s.id), default=None)
    tier = terms.tier or (newest.evaluation.tier if newest else Tier.FULL)
    clock = terms.clock or (PlannerClock(newest.planner_clock) if newest else PlannerClock.MEASURED)
    async with local_backend(problem, secrets, 2, allow_unsafe=terms.allow_unsafe) as backend:
        stages = Stages(archive, backend, problem.task, secrets, clock)
        work = [stages.evaluate(contender.candidate, tier, terms.split) for contender in (a, b)]
        first, second = await asyncio.gather(*work)
    return first, second
