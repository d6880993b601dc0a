"""Makes runs and brings them back: a run is restored from its rows alone, whether it is new or was killed."""

from __future__ import annotations

import secrets
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archive.records import OUTSIDE, Attempt, AttemptState, Candidate, Founder, FounderRole, Run, StoredEvaluation
from archive.store import Archive
from evaluators.contract import Evaluation, Split, Task, Tier
from evaluators.seeding import fresh_secret, report_secret, secret_from_seed
from evolve.choices import ProposerKind, Sampler
from evolve.config import RunConfig
from evolve.errors import RunError
from evolve.novelty.known import ast_digest, source_digest
from evolve.programs import Program
from evolve.run.recall import known_behaviours, known_programs, known_vectors
from evolve.run.stages import Stages
from evolve.run.standing import PastTell, Pending, Session, arm_of, member_of, told_of
from evolve.search.bandit import POLICIES
from evolve.search.inspirations import INSPIRATIONS
from evolve.search.islands import nobody
from evolve.search.request import Arm, Member, MutationRequest, Operator, SearchError, Told, asked_operator
from evolve.search.sampling import SAMPLERS, SPARED
from evolve.search.search import Search, SearchConfig

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What decides every draw and every search and validation instance of a run."""

    seed: int
    secret: str


def _fresh_identity(config: RunConfig) -> tuple[int, str]:
    if config.seed is None:
        return secrets.randbits(63), fresh_secret()
    return config.seed, secret_from_seed(config.seed)


def new_run(
    archive: Archive,
    config: RunConfig,
    task: Task,
    programs: Sequence[Program],
    software: str,
    timestamp: str,
    identity: RunIdentity | None = None,
) -> Run:
    """A run with its founders, committed as one; nothing has been executed.

    Args:
        identity: Of the run that this one repeats.

    Raises:
        ArchiveError: The rows cannot be written.
        RunError: The task does not declare what the sampler needs.
    """
    require_elites(config.sampler, task)
    seed, secret = (identity.seed, identity.secret) if identity else _fresh_identity(config)
    run = Run(
        id="".join(secrets.choice(_ALPHABET) for _ in range(8)),
        task=task.name,
        task_identity=task.identity,
        parameters=task.parameters,
        seed=seed,
        secret=secret,
        config=config.model_dump_json(),
        software=software,
        created_at=timestamp,
    )
    candidates = [candidate_of(program.source) for program in programs]
    founders = [
        Founder(run_id=run.id, ordinal=ordinal, role=program.role, name=program.name, candidate_id=candidate.id)
        for ordinal, (program, candidate) in enumerate(zip(programs, candidates, strict=True))
    ]
    archive.add_run(run, founders, candidates)
    return run


def require_elites(sampler: Sampler, task: Task) -> None:
    """Refuse to draw from a grid or a front that a task does not have.

    Raises:
        RunError: It has none.
        ContractError: It names a metric that it does not report.
    """
    if sampler is Sampler.MAP_ELITES:
        if not task.descriptors:
            raise RunError(f"the sampler map_elites needs `descriptors`, and the task {task.name} declares none")
        for descriptor in task.descriptors:
            task.metric(descriptor.metric)
    if sampler is Sampler.PARETO:
        if len(task.trade_offs) < 2:
            raise RunError(f"the sampler pareto needs two `trade_offs`, and the task {task.name} declares fewer")
        for name in task.trade_offs:
            task.metric(name)


def candidate_of(source: str) -> Candidate:
    """A program of ours or the user's as a candidate; one that does not parse has no syntax digest."""
    try:
        digest = ast_digest(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        digest = ""
    return Candidate(id=source_digest(source), source=source, ast_digest=digest)


def split_secrets(archive: Archive, run: Run, task: Task) -> dict[Split, str]:
    """The secret of every split: the run's own for search and validation, the archive's for the hold-out."""
    return {
        Split.SEARCH: run.secret,
        Split.VALIDATION: run.secret,
        Split.HOLDOUT: archive.holdout_secret(),
        Split.REPORT: report_secret(task.name, task.revision),
    }


def public_secrets(archive: Archive, task: Task, seed: int) -> dict[Split, str]:
    """The secret of every split outside any run: from a seed for search and validation."""
    return {
        Split.SEARCH: secret_from_seed(seed),
        Split.VALIDATION: secret_from_seed(seed),
        Split.HOLDOUT: archive.holdout_secret(),
        Split.REPORT: report_secret(task.name, task.revision),
    }


def founding_members(founders: Sequence[Founder], evaluations: Mapping[str, Evaluation], task: Task) -> list[Member]:
    """The initial programs that scored: what the search starts from.

    Raises:
        RunError: None did; the first one's failure is quoted. Or there are none.
    """
    initial = [founder.candidate_id for founder in founders if founder.role is FounderRole.INITIAL]
    if not initial:
        raise RunError("the run has no initial program, it was killed while it was begun; begin another one")
    members = [member_of(i, evaluations[i], task) for i in dict.fromkeys(initial)]
    scored = [member for member in members if member is not None]
    if not scored:
        failed = evaluations[initial[0]]
        raise RunError(f"the initial program cannot be scored, it ended as {failed.outcome}: {failed.first_failure}")
    return scored


def restore(
    archive: Archive,
    run: Run,
    config: RunConfig,
    founders: Sequence[Founder],
    members: Sequence[Member],
    stages: Stages,
) -> Session:
    """The session that goes on where the rows end.

    Raises:
        ArchiveError: The rows cannot be read.
        SearchError: The rows contradict each other.
    """
    attempts = archive.attempts(run.id)
    stored = archive.evaluations_for_run(run.id)
    population = {member.candidate_id: member for member in members}
    adopted = Adopted(stages)
    tolds, tells = _tolds(attempts, stages, stored, population, adopted, archive.call_costs(run.id))
    known = ChainMap(population, adopted)
    pending = tuple(_pending(attempt, known) for attempt in attempts if not attempt.state.is_final)
    waiting = {pending.attempt.index: arm_of(pending.attempt) for pending in pending}
    search = Search.replay(search_config(config), members, tolds, waiting)
    novelty = known_programs(archive, founders, attempts)
    return Session(
        archive=archive,
        run=run,
        config=config,
        search=search,
        novelty=novelty,
        behaviours=known_behaviours(founders, attempts, population, stages.smoke_digests(stored)),
        neighbours=known_vectors(archive, config, attempts),
        pending=pending,
        tells=tuple(tells),
        validated=stages.validated(stored),
    )


def search_config(config: RunConfig) -> SearchConfig:
    """The part of the run file that the search understands."""
    return SearchConfig(
        sampler=SAMPLERS[config.sampler],
        spared=SPARED.get(config.sampler, nobody),
        num_islands=config.islands,
        migration_every=config.migration_every,
        restart_every=config.restart_every,
        new_island_after=config.new_island_after,
        most_islands=config.most_islands,
        crossover_probability=config.crossover,
        inspirations=INSPIRATIONS[config.inspirations],
        arms=arms_of(config),
        bandit=POLICIES[config.bandit],
        price_weight=config.price_weight,
    )


def arms_of(config: RunConfig) -> tuple[Arm, ...]:
    """What the bandit chooses between; nothing where no model writes the programs, though one may judge them."""
    match config.repeated or config.proposer:
        case ProposerKind.OUTSIDE:
            writers = [OUTSIDE]
        case ProposerKind.OPENAI | ProposerKind.RECORDED:  # repetitions did not always say of whom
            writers = [model.name for model in config.models]
        case ProposerKind.GENETIC:
            writers = []
    return tuple(Arm(writer, operator) for writer in writers for operator in config.operators)


def _tolds(
    attempts: Sequence[Attempt],
    stages: Stages,
    stored: Sequence[StoredEvaluation],
    population: dict[str, Member],
    adopted: Mapping[str, Member],
    costs_usd: Mapping[int, float],
) -> tuple[list[Told], list[PastTell]]:
    """What the search was told, in order, and what the validations were.

    `population` holds the founders, and the members that are told of are added to it.
    """
    evaluations = stages.stored_searches(stored)
    lost = stages.lost_attempts()
    final = sorted((a for a in attempts if a.tell_order is not None), key=lambda a: a.tell_order or 0)
    tolds: list[Told] = []
    tells: list[PastTell] = []
    for attempt in final:
        was_evaluated = attempt.state is AttemptState.RECORDED
        scored_id = attempt.twin_id or attempt.candidate_id or ""
        evaluation = evaluations.get(scored_id) if was_evaluated else None
        parent = population.get(attempt.parent_id) or adopted[attempt.parent_id]
        cost_usd = costs_usd.get(attempt.index, 0.0)
        told = told_of(attempt, evaluation, stages.task, parent.score, cost_usd, lost=attempt.index in lost)
        if told.member is not None:
            population.setdefault(told.member.candidate_id, told.member)
        tolds.append(told)
        tells.append(PastTell.of(attempt, told))
    return tolds, tells


class Adopted(dict[str, Member]):
    """Parents that the search did not grow itself: baselines and programs of other runs that a person pinned."""

    def __init__(self, stages: Stages) -> None:
        super().__init__()
        self._stages = stages

    def __missing__(self, candidate_id: str) -> Member:
        """Its member by its score, looked up once.

        Raises:
            SearchError: It has none.
        """
        # As it was when it was pinned, even if the run made the program again later and stopped it then.
        evaluation = self._stages.stored(candidate_id, Tier.QUICK, Split.SEARCH)
        member = member_of(candidate_id, evaluation or self._stages.stored_search(candidate_id), self._stages.task)
        if member is None:
            raise SearchError(f"the archive has no search score of {candidate_id[:10]}, although it is a parent")
        self[candidate_id] = member
        return member


def _pending(attempt: Attempt, population: Mapping[str, Member]) -> Pending:
    """An attempt under way, with its request as it was made, from its row."""
    parent = population[attempt.parent_id]
    if attempt.state is not AttemptState.ASKED:
        return Pending(attempt=attempt, parent=parent, request=None)
    arm = arm_of(attempt)
    request = MutationRequest(
        index=attempt.index,
        island=attempt.island,
        operator=Operator(asked_operator(attempt.operator)),
        parent=parent,
        inspirations=tuple(population[candidate_id] for candidate_id in attempt.inspiration_ids),
        num_tells=attempt.num_tells,
        model="" if arm is None else arm.model,
    )
    return Pending(attempt=attempt, parent=parent, request=request)
