"""Evaluations of one run: each stage is looked up before it is executed, and stored before anyone acts on it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from archive.records import Candidate, EvaluationKey, StoredEvaluation
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, PlannerClock, Split, Task, Tier
from evaluators.protocol import EvaluateRequest
from evaluators.racing import NO_RACE, Race
from evaluators.scoring import cut_short
from evaluators.seeding import SeedSource, round_secret
from evolve.execution.backend import EvaluationBackend

EVALUATIONS_KEPT = 256  # in memory: parents and inspirations are read again and again, some 20 kB each


class Stages:
    """Executes evaluations on a backend, through the archive's memory."""

    def __init__(
        self,
        archive: Archive,
        backend: EvaluationBackend,
        task: Task,
        secrets: Mapping[Split, str],
        clock: PlannerClock,
        run_id: str | None = None,
        known: Mapping[Split, str] | None = None,
    ) -> None:
        """`known` are the secrets that the backend's workers were given at their start; None: the same `secrets`."""
        self._archive = archive
        self._backend = backend
        self.task = task
        self._secrets = dict(secrets)
        self._known = self._secrets if known is None else dict(known)
        self._seeds = {split: SeedSource(secret, split).digest() for split, secret in secrets.items()}
        self._clock = clock
        self._run_id = run_id
        self._read: OrderedDict[EvaluationKey, Evaluation] = OrderedDict()  # finished ones never change

    def seeds(self, split: Split, fresh_round: int = 0) -> str:
        """The digest of a split's seeds; those of another round than 0 are seen by nothing that chooses."""
        if fresh_round == 0:
            return self._seeds[split]
        return SeedSource(round_secret(self._secrets[split], fresh_round), split).digest()

    def key(self, candidate_id: str, tier: Tier, split: Split, fresh_round: int = 0) -> EvaluationKey:
        """What makes this evaluation the same work as another."""
        return EvaluationKey(
            candidate_id=candidate_id,
            task_identity=self.task.identity,
            tier=tier,
            split=split,
            seeds=self.seeds(split, fresh_round),
            environment_class=self._backend.environment_class,
            planner_clock=self._clock,
        )

    def stored(self, candidate_id: str, tier: Tier, split: Split, fresh_round: int = 0) -> Evaluation | None:
        """The evaluation if it has been executed before, in whichever run."""
        key = self.key(candidate_id, tier, split, fresh_round)
        if key in self._read:
            self._read.move_to_end(key)
            return self._read[key]
        found = self._archive.find_evaluation(key)
        if found is None:
            return None
        self._read[key] = found.evaluation
        if len(self._read) > EVALUATIONS_KEPT:
            self._read.popitem(last=False)
        return found.evaluation

    def made_here(self, candidate_id: str, tier: Tier, split: Split, fresh_round: int = 0) -> bool:
        """Whether the evaluation has been executed before, and for this run."""
        found = self._archive.find_evaluation(self.key(candidate_id, tier, split, fresh_round))
        return found is not None and self._run_id is not None and found.run_id == self._run_id

    async def evaluate(
        self,
        candidate: Candidate,
        tier: Tier,
        split: Split,
        attempt_index: int | None = None,
        fresh_round: int = 0,
        race: Race = NO_RACE,
    ) -> Evaluation:
        """The evaluation of one stage. One that a `race` ends early is archived, and is nobody else's result.

        Where another run finished it, the race ends it all the same: what a run does must not depend on what other runs
        left in the archive.

        Raises:
            BackendError: It cannot be executed here.
        """
        if race != NO_RACE and (ended := self._stopped_before(attempt_index)) is not None:
            return ended
        known = self.stored(candidate.id, tier, split, fresh_round)
        key = self.key(candidate.id, tier, split, fresh_round)
        if known is not None:
            raced = cut_short(known, race)
            if raced.outcome is Outcome.STOPPED:
                self._archive.add_evaluation(candidate.id, raced, key, self._run_id, attempt_index)
            return raced
        secret = round_secret(self._secrets[split], fresh_round)
        request = EvaluateRequest(
            source=candidate.source,
            tier=tier,
            split=split,
            clock=self._clock,
            secret="" if secret == self._known[split] else secret,
            race=race,
        )
        evaluation = await self._backend.evaluate(request)
        # Where somebody else finished the same work meanwhile, theirs is archived: the one that a resumed run will see.
        return self._archive.add_evaluation(candidate.id, evaluation, key, self._run_id, attempt_index).evaluation

    def _stopped_before(self, attempt_index: int | None) -> Evaluation | None:
        """How an earlier session ended the attempt's evaluation, if it did and was killed before it told of it."""
        if self._run_id is None or attempt_index is None:
            return None
        found = self._archive.stopped_evaluation(self._run_id, attempt_index)
        return None if found is None else found.evaluation

    async def search(self, candidate: Candidate, attempt_index: int | None = None) -> Evaluation:
        """The search score: `QUICK` for a program that passes `SMOKE`, else the failed smoke."""
        smoke = await self.evaluate(candidate, Tier.SMOKE, Split.SEARCH, attempt_index)
        if smoke.outcome is not Outcome.SCORED:
            return smoke
        return await self.evaluate(candidate, Tier.QUICK, Split.SEARCH, attempt_index)

    def lost_attempts(self) -> frozenset[int]:
        """Attempts of the run whose evaluation the infrastructure ended, whoever scored their programs later."""
        return frozenset() if self._run_id is None else self._archive.lost_attempts(self._run_id)

    def stored_search(self, candidate_id: str) -> Evaluation | None:
        """How this candidate, or the twin it behaves like, did in the search; None if that is not finished.

        What this run stopped is not finished here, even where another run finished it later.
        """
        if self._run_id is not None:
            twin_id = self._archive.twin_of(self._run_id, candidate_id)
            if twin_id is not None:
                return self.stored(twin_id, Tier.QUICK, Split.SEARCH)
            if self._archive.was_stopped(self._run_id, candidate_id):
                return None
        quick = self.stored(candidate_id, Tier.QUICK, Split.SEARCH)
        if quick is not None:
            return quick
        smoke = self.stored(candidate_id, Tier.SMOKE, Split.SEARCH)
        return None if smoke is None or smoke.outcome is Outcome.SCORED else smoke

    def gain(self, candidate_id: str, parent_id: str) -> float | None:
        """The search score less the parent's; None unless both were scored."""
        own, parent = self.stored_search(candidate_id), self.stored_search(parent_id)
        if own is None or own.objective is None or parent is None or parent.objective is None:
            return None
        return own.objective - parent.objective

    def stored_searches(self, stored: Iterable[StoredEvaluation]) -> dict[str, Evaluation]:
        """`stored_search` of many candidates, from rows read in bulk; not of twins and of what this run stopped."""
        found: dict[str, Evaluation] = {}
        stopped: set[str] = set()  # here, though another run may have finished it
        for row in stored:
            if row.run_id == self._run_id and row.evaluation.outcome is Outcome.STOPPED:
                stopped.add(row.candidate_id)
            tier, split = row.evaluation.tier, row.evaluation.split
            if split is not Split.SEARCH or row.key != self.key(row.candidate_id, tier, split):
                continue
            is_score = tier is Tier.QUICK and row.evaluation.outcome is not Outcome.STOPPED
            if is_score or (tier is Tier.SMOKE and row.evaluation.outcome is not Outcome.SCORED):
                found[row.candidate_id] = row.evaluation
        return {candidate_id: score for candidate_id, score in found.items() if candidate_id not in stopped}

    def validated(self, stored: Iterable[StoredEvaluation]) -> frozenset[str]:
        """Whose validation is among rows read in bulk."""
        made = (row for row in stored if row.evaluation.split is Split.VALIDATION)
        own = (row for row in made if row.key == self.key(row.candidate_id, Tier.QUICK, Split.VALIDATION))
        return frozenset(row.candidate_id for row in own if row.evaluation.outcome is not Outcome.INFRASTRUCTURE)

    def smoke_digests(self, stored: Iterable[StoredEvaluation]) -> dict[str, str]:
        """What candidates did in smoke, from rows read in bulk."""
        smokes = (row for row in stored if row.evaluation.tier is Tier.SMOKE)
        own = (row for row in smokes if row.key == self.key(row.candidate_id, Tier.SMOKE, Split.SEARCH))
        return {row.candidate_id: row.evaluation.behaviour for row in own}
