"""Opens who writes the programs of a run, as its file says."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from archive.queries import usage
from archive.records import Run
from archive.store import Archive
from evaluators.contract import Task
from evolve.choices import Donors, ProposerKind
from evolve.clock import timestamp
from evolve.config import RunConfig
from evolve.errors import ConfigError, RunError
from evolve.genetic.operators import mutations
from evolve.llm.advice import Advisor
from evolve.llm.briefing import Desk
from evolve.llm.caller import Caller
from evolve.llm.catalogue import open_embedding_model, open_models
from evolve.llm.embedder import Embedder
from evolve.llm.lessons import Scratchpad
from evolve.llm.notebook import Subject
from evolve.llm.novelty_judge import PATIENCE, NoveltyJudge
from evolve.llm.prices import load_prices
from evolve.llm.proposer import Asker, ModelProposer
from evolve.llm.purse import Purse
from evolve.llm.recording import RecordedAsker, RecordedAttempt, is_recording, read_recording, record_run
from evolve.llm.retrying import RetryPolicy
from evolve.parsing.client import Parser
from evolve.programs import baselines
from evolve.proposer import GeneticProposer, Proposer, RecordedProposer
from evolve.repetition import is_repetition
from evolve.run.stages import Stages
from evolve.run.standing import Session


@asynccontextmanager
async def open_asker(archive: Archive, run: Run, config: RunConfig) -> AsyncIterator[Asker | None]:
    """Who answers the run's questions: its models and its judge, or a recording of them; None where nobody is asked.

    Raises:
        ConfigError: A key is missing, a price is, or a file cannot be read.
    """
    if is_repetition(config):
        recorded = recorded_attempts(archive, config)
        yield None if recorded is None else RecordedAsker(run.id, recorded, archive)
        return
    judge = config.active_judge
    writers = config.models if config.proposer is ProposerKind.OPENAI else ()
    aside = () if judge is None or judge in writers else (judge,)
    if not writers and not aside:
        yield None
        return
    usual = RetryPolicy(deadline_s=config.proposal_seconds)
    async with open_models([*writers, *aside], os.environ) as models:
        yield Caller(
            run.id,
            models,
            load_prices(os.environ, config.model_prices),
            purse_of(archive, run, config),
            archive,
            now=time.monotonic,
            sleep=asyncio.sleep,
            policy=usual,
            aside={spec.name: PATIENCE for spec in aside},
            max_calls=config.model_calls,
        )


@asynccontextmanager
async def open_proposer(session: Session, task: Task, stages: Stages, asker: Asker | None) -> AsyncIterator[Proposer]:
    """The proposer that the run's configuration names; its processes end with the context.

    Args:
        asker: Of `open_asker`.

    Raises:
        ConfigError: A file of programs cannot be read, or nobody could be asked for one.
        RunError: Its programs come from outside.
    """
    config, run = session.config, session.run
    match config.proposer:
        case ProposerKind.GENETIC:
            yield _genetic(session, task)
        case ProposerKind.OUTSIDE:
            raise RunError(f"the programs of run {run.id} come from outside: see `evolve ask {run.id}`")
        case ProposerKind.RECORDED if asker is None:
            yield RecordedProposer.read(Path(config.replies))
        case ProposerKind.OPENAI | ProposerKind.RECORDED:
            if asker is None:
                raise ConfigError(f"run {run.id} names no model to ask")
            async with Parser() as parser:
                yield _of_models(session, task, stages, asker, parser)


def novelty_judge(
    archive: Archive, run: Run, config: RunConfig, task: Task, asker: Asker | None
) -> NoveltyJudge | None:
    """Who judges near programs, by way of the `asker` of `open_asker`; None where nobody does."""
    spec = config.active_judge
    return None if spec is None or asker is None else NoveltyJudge(run.id, spec, task, asker, archive)


@asynccontextmanager
async def open_embedder(archive: Archive, config: RunConfig) -> AsyncIterator[Embedder | None]:
    """Who gives the gate its embeddings; None where the run wants none.

    A run that repeats another asks no server: it knows what is archived, and leaves the rest unchecked.

    Raises:
        ConfigError: A key is missing.
    """
    spec = config.embedding
    if spec is None:
        yield None
        return
    async with AsyncExitStack() as stack:
        model = None
        if not is_repetition(config):
            model = await stack.enter_async_context(open_embedding_model(spec, os.environ))
        policy = RetryPolicy(deadline_s=config.proposal_seconds)
        yield Embedder(spec.name, archive, model, policy, now=time.monotonic, sleep=asyncio.sleep)


def recorded_attempts(archive: Archive, config: RunConfig) -> Sequence[RecordedAttempt] | None:
    """The calls that a run is to play again; None where a file holds programs instead."""
    if config.recorded_run:
        return record_run(archive, archive.run(config.recorded_run)).attempts
    return read_recording(Path(config.replies)).attempts if is_recording(Path(config.replies)) else None


def purse_of(archive: Archive, run: Run, config: RunConfig) -> Purse:
    """What the run may still spend."""
    used = usage(archive, run.id)
    spent_tokens = used.prompt_tokens + used.reply_tokens
    return Purse(config.usd, config.tokens, spent_usd=used.price_usd, spent_tokens=spent_tokens)


def _genetic(session: Session, task: Task) -> GeneticProposer:
    donors: list[str] = []
    if session.config.donors is Donors.BASELINES:
        donors = [program.source for program in baselines(task.programs)]
    return GeneticProposer(session.novelty, donors, mutations(session.config.number_share))


def _of_models(session: Session, task: Task, stages: Stages, asker: Asker, parser: Parser) -> ModelProposer:
    archive, run_id, config = session.archive, session.run.id, session.config
    desk = Desk(archive, run_id, task, stages, config.models)
    subject = Subject(archive=archive, run_id=run_id, task=task, stages=stages, timestamp=timestamp)
    scratchpad, advisor = Scratchpad(subject, config.lessons_every), Advisor(subject, config.advice_every)
    return ModelProposer(run_id, task, desk, asker, archive, parser, scratchpad, advisor)
