"""Whether a proposed program is worth an evaluation: what was tried before is not tried again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from archive.records import Attempt, AttemptState, Candidate, Note, NoteKind
from evolve.choices import NearDuplicates
from evolve.llm.embedder import Embedder
from evolve.llm.novelty_judge import NoveltyJudge
from evolve.novelty.known import source_digest
from evolve.novelty.neighbours import Neighbour
from evolve.prompting.novelty import Judgement, Ruling
from evolve.proposer import Proposal
from evolve.run.standing import Session
from evolve.search.request import MutationRequest


@dataclass(frozen=True, slots=True)
class Prepared:
    """A proposal as it comes to the gate."""

    proposal: Proposal
    candidate: Candidate | None  # None: there is no program
    vectors: Mapping[str, np.ndarray]  # embeddings of the program and its parent, as far as they could be had


@dataclass(frozen=True, slots=True)
class Compared:
    """A prepared proposal, and the known program that it is near to."""

    prepared: Prepared
    near: Neighbour | None
    judgement: Judgement | None = None  # None: the run has no judge, or nothing to ask it


class Gate:
    """`prepare` may run side by side with others; `compare`, and then `admit`, one attempt after the other."""

    def __init__(
        self,
        session: Session,
        timestamp: Callable[[], str],
        embedder: Embedder | None = None,
        judge: NoveltyJudge | None = None,
    ) -> None:
        """Without an embedder only programs that are the same are stopped; without a judge nothing is asked."""
        self._archive = session.archive
        self._novelty = session.novelty
        self._neighbours = session.neighbours
        self._config = session.config
        self._embedder = embedder
        self._judge = judge
        self._timestamp = timestamp

    async def prepare(
        self, proposal: Proposal, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator
    ) -> Prepared:
        """What `admit` needs; asks for embeddings where the run wants them.

        Raises:
            EmbeddingError: The server refuses for good.
        """
        if proposal.source is None:
            return Prepared(proposal, None, {})
        candidate_id = source_digest(proposal.source)
        candidate = Candidate(id=candidate_id, source=proposal.source, ast_digest=proposal.ast_digest)
        if self._embedder is None or proposal.rejection or self._is_duplicate(candidate):
            return Prepared(proposal, candidate, {})
        parent = Candidate.of(sources[request.parent.candidate_id])
        return Prepared(proposal, candidate, await self._embedder.vectors([parent, candidate], rng))

    async def compare(self, attempt: Attempt, prepared: Prepared, rng: np.random.Generator) -> Compared:
        """The known program that this one is near to, and what the judge says of the two, where the run has one.

        Args:
            rng: For the waits between the judge's tries.
        """
        candidate = prepared.candidate
        if candidate is None:
            return Compared(prepared, None)
        near = self._nearest(attempt.parent_id, candidate.id, prepared.vectors)
        if near is None or self._judge is None or prepared.proposal.rejection or self._is_duplicate(candidate):
            return Compared(prepared, near)
        known = self._archive.candidate(near.candidate_id).source
        return Compared(prepared, near, await self._judge.judge(attempt.index, known, candidate.source, rng))

    def admit(self, attempt: Attempt, compared: Compared) -> Attempt:
        """Commit the reply, and whether it is worth an evaluation."""
        proposal, candidate = compared.prepared.proposal, compared.prepared.candidate
        near, vectors = compared.near, compared.prepared.vectors
        replied = replace(attempt, state=AttemptState.REPLIED, operator=proposal.operator, change=proposal.change)
        if candidate is None:
            replied = replace(replied, rejection=f"no program: {proposal.change}")
            self._archive.advance_attempt(replied, expected=AttemptState.ASKED)
            return replied
        replied = replace(replied, candidate_id=candidate.id)
        # Anew: while a judge was asked, others may have been admitted.
        duplicate = self._novelty.check_digests(candidate.id, candidate.ast_digest)
        if proposal.rejection:
            replied = replace(replied, rejection=proposal.rejection)
        elif duplicate is not None:
            rejection = f"duplicate ({duplicate.kind})"
            replied = replace(replied, rejection=rejection, neighbour_id=duplicate.neighbour_id)
        elif near is not None and self._is_rejected(compared):
            rejection = f"near duplicate ({_nearness(near, compared.judgement)})"
            replied = replace(replied, rejection=rejection, neighbour_id=near.candidate_id)
        else:
            self._novelty.add(candidate.id, candidate.ast_digest)
            self._remember(candidate.id, vectors)
        self._archive.record_replied(replied, candidate)
        if near is not None and not replied.rejection:
            self._flag(replied, near, compared.judgement)
        return replied

    def _is_rejected(self, compared: Compared) -> bool:
        """Whether a near program is turned away; never for want of a verdict."""
        match self._config.near_duplicates:
            case NearDuplicates.FLAG:
                return False
            case NearDuplicates.REJECT:
                return True
            case NearDuplicates.JUDGE:
                return compared.judgement is not None and compared.judgement.ruling is Ruling.SAME

    def _is_duplicate(self, candidate: Candidate) -> bool:
        return self._novelty.check_digests(candidate.id, candidate.ast_digest) is not None

    def _nearest(self, parent_id: str, candidate_id: str, vectors: Mapping[str, np.ndarray]) -> Neighbour | None:
        """The nearest known program, the parent among them, if it is near enough to count as the same idea."""
        if candidate_id not in vectors:
            return None
        if parent_id not in self._neighbours:
            self._remember(parent_id, vectors)
        nearest = self._neighbours.nearest(vectors[candidate_id])
        return nearest if nearest is not None and nearest.cosine >= self._config.near_cosine else None

    def _remember(self, candidate_id: str, vectors: Mapping[str, np.ndarray]) -> None:
        if candidate_id in vectors:
            self._neighbours.add(candidate_id, vectors[candidate_id])

    def _flag(self, attempt: Attempt, near: Neighbour, judgement: Judgement | None) -> None:
        note = Note(
            kind=NoteKind.RESEMBLES,
            text=f"{near.candidate_id} ({_nearness(near, judgement)})",
            created_at=self._timestamp(),
            run_id=attempt.run_id,
            candidate_id=attempt.candidate_id,
            attempt_index=attempt.index,
        )
        self._archive.add_note(note)


def _nearness(near: Neighbour, judgement: Judgement | None) -> str:
    cosine = f"cosine {near.cosine:.4f}"
    return cosine if judgement is None else f"{cosine}, {judgement}"
