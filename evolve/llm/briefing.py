"""What a model is told about a request, gathered from the archive: never a hold-out or validation figure, a budget or a
secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from archive.records import NoteKind
from archive.store import Archive
from evaluators.contract import Task
from evolve.llm.heights import Heights, regime_means
from evolve.llm.model import ModelSpec
from evolve.llm.tried import Child, fruitless_children
from evolve.patch import ReplyForm
from evolve.prompting import Failure, PromptBrief, Shown
from evolve.run.stages import Stages
from evolve.search.request import Member, MutationRequest, Operator

FAILURES_SHOWN = 5
_IN_FULL = (Operator.FULL, Operator.CROSSOVER)  # written anew; everything else as edits


class Desk:
    """Prepares briefs for one run."""

    def __init__(self, archive: Archive, run_id: str, task: Task, stages: Stages, models: Sequence[ModelSpec]) -> None:
        self._archive = archive
        self._run_id = run_id
        self._task = task
        self._stages = stages
        self._heights = Heights(archive, run_id, stages)
        self._temperatures = {model.name: model.temperatures for model in models}

    def temperature(self, model: str, rng: np.random.Generator) -> float | None:
        """One of the model's temperatures; None: the server's own."""
        choices = self._temperatures.get(model, ())
        return choices[int(rng.integers(len(choices)))] if choices else None

    def brief(self, request: MutationRequest, sources: Mapping[str, str]) -> PromptBrief:
        """Everything the prompt says beside what follows from the task."""
        tried = list(fruitless_children(self._archive, self._run_id, self._stages, request))
        hints = self._archive.notes_for(self._run_id, NoteKind.HINT)
        broken = None
        if request.operator is Operator.REPAIR:
            broken = next((child for child in tried if child.broken), None)
        return PromptBrief(
            task=self._task,
            operator=request.operator,
            form=ReplyForm.FULL if request.operator in _IN_FULL else ReplyForm.DIFF,
            parent=self._shown(request.parent, sources),
            inspirations=tuple(self._shown(member, sources) for member in request.inspirations),
            best_regimes=self._heights.before(request),
            failures=tuple(child.failure for child in tried if child is not broken)[:FAILURES_SHOWN],
            hints=tuple(note.text for note in hints),
            broken=None if broken is None else self._broken(broken),
        )

    def _shown(self, member: Member, sources: Mapping[str, str]) -> Shown:
        evaluation = self._stages.stored_search(member.candidate_id)
        return Shown(
            name=member.candidate_id[:10],
            source=sources[member.candidate_id],
            score=member.score,
            regimes={} if evaluation is None else regime_means(evaluation.instances),
            metrics={} if evaluation is None else evaluation.metrics,
            feedback="" if evaluation is None else evaluation.feedback,
        )

    def _broken(self, child: Child) -> Failure:
        source = self._archive.candidate(child.attempt.candidate_id or "").source
        return replace(child.failure, source=source)
