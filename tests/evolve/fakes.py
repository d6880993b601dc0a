"""Doubles of the loop's neighbours: a backend that scores by digest, a proposer that makes numbered programs."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from evaluators.contract import Environment, Evaluation, Outcome
from evaluators.protocol import EvaluateRequest
from evaluators.scoring import cut_short
from evaluators.seeding import SeedSource
from evolve.proposer import Proposal
from evolve.search.request import MutationRequest
from tests.evolve.evaluations import ENVIRONMENT, a_failed_evaluation, an_evaluation


class FakeBackend:
    """Scores follow from the source and the split alone; how many turns an evaluation takes follows from `pace`."""

    environment_class = "test"
    environment: Environment = ENVIRONMENT

    def __init__(self, slots: int = 2, pace: int = 0) -> None:
        self.slots = slots
        self.requests: list[EvaluateRequest] = []
        self.running = 0
        self.most_running = 0
        self._pace = np.random.default_rng(pace)
        self._slots = asyncio.Semaphore(slots)

    async def evaluate(self, request: EvaluateRequest) -> Evaluation:
        self.requests.append(request)
        async with self._slots:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            for _ in range(int(self._pace.integers(20))):
                await asyncio.sleep(0)
            self.running -= 1
        return cut_short(self.finished(request), request.race)

    def finished(self, request: EvaluateRequest) -> Evaluation:
        """The evaluation if no race ends it."""
        if "crash" in request.source:
            return a_failed_evaluation(Outcome.CRASHED, request.tier, request.split)
        made = an_evaluation(scores_of(request.source + request.secret, request.split), request.tier, request.split)
        return replace(made, seeds=SeedSource(request.secret, request.split).digest()) if request.secret else made

    async def close(self) -> None:
        pass


def scores_of(source: str, split: str) -> list[float]:
    """Twelve scores around a quality that follows from the source."""
    digest = hashlib.sha256(source.encode()).digest()
    noise = np.random.default_rng([*digest[:8], len(split)])
    quality = digest[0] / 255
    return [round(float(score), 6) for score in quality + noise.normal(0, 0.02, 12)]


class FakeProposer:
    """Every fifth program repeats an earlier one, every seventh crashes, every eleventh is none at all."""

    name = "fake"
    concurrent = True
    exhausted = ""

    def __init__(self) -> None:
        self.calls = 0

    async def propose(self, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator) -> Proposal:
        self.calls += 1
        index = request.index
        for _ in range(int(rng.integers(3))):
            await asyncio.sleep(0)
        if index % 11 == 10:
            return Proposal(source=None, operator="fake", change="no idea")
        parent = sources[request.parent.candidate_id]
        source = "# fixed\n" if index % 5 == 4 else f"# {index} from {len(parent)} {rng.integers(10**9)}\n"
        return Proposal(source=source + "crash\n" * (index % 7 == 6), operator="fake", change=f"change {index}")
