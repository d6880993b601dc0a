"""The run file: everything that decides what a run does, validated, with the nearest name for an unknown key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from evaluators.contract import ParameterValue, PlannerClock, Tier
from evaluators.registry import did_you_mean, nearest
from evolve.choices import BanditKind, Donors, Inspirations, NearDuplicates, Order, ProposerKind, Sampler
from evolve.errors import ConfigError
from evolve.llm.model import ModelSpec
from evolve.llm.prices import Price
from evolve.search.request import Operator

DEFAULT_OPERATORS = (Operator.DIFF, Operator.FULL, Operator.CROSSOVER, Operator.REPAIR)
CROSSED_WITH_BASELINES = 0.2  # share of asks, unless said: who names baselines as donors wants their code


class RunConfig(BaseModel):
    """What a run was asked to do. Stored with the run; `resume` reads it back."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    task: str
    set: dict[str, ParameterValue] = Field(default_factory=dict, description="task parameters")
    seed: int | None = Field(default=None, ge=0, description="repeatable run; None: from the operating system")
    attempts: int | None = Field(default=None, ge=1, description="how many asks")
    evaluations: int | None = Field(default=None, ge=1, description="how many quick evaluations of new programs")
    seconds: float | None = Field(default=None, gt=0, description="wall time of the search, hold-out not counted")
    patience: int | None = Field(default=None, ge=1, description="stop after so many attempts without a better one")
    target: float | None = Field(default=None, description="stop when the search score reaches this")
    workers: int = Field(default=0, ge=0, le=1024, description="evaluation processes; 0: one per core")
    proposer: ProposerKind = ProposerKind.GENETIC
    replies: str = Field(default="", description="file of recorded programs or replies for the proposer `recorded`")
    recorded_run: str = Field(default="", description="run whose replies the proposer `recorded` plays again")
    repeated: ProposerKind | None = Field(default=None, description="who wrote the run that is played again")
    models: tuple[ModelSpec, ...] = Field(default=(), description="for the proposer `openai`")
    operators: tuple[Operator, ...] = Field(default=DEFAULT_OPERATORS, description="what models are asked for")
    bandit: BanditKind = Field(default=BanditKind.ASYMMETRIC, description="how models and operators are chosen")
    price_weight: float = Field(default=0.5, ge=0, le=2, description="0: prices do not matter to the bandit")
    usd: float | None = Field(default=None, gt=0, description="what model calls may cost in all")
    tokens: int | None = Field(default=None, ge=1, description="tokens of model calls in all, prompts and replies")
    model_prices: dict[str, Price] = Field(default_factory=dict, description="as declared in the run file")
    lessons_every: int = Field(default=0, ge=0, description="tells between lessons that a model writes; 0: never")
    advice_every: int = Field(default=0, ge=0, description="tells between pieces of advice a model writes; 0: never")
    model_calls: int = Field(default=8, ge=1, le=1000, description="model calls in flight, over all models")
    proposal_seconds: float = Field(default=600.0, gt=0, description="deadline of one proposal, retries included")
    order: Order = Order.COMPLETION
    window: int = Field(default=8, ge=1, le=1000, description="asks in flight; part of the run's identity")
    planner_clock: PlannerClock = PlannerClock.MEASURED
    sampler: Sampler = Sampler.BEST_FIRST
    islands: int = Field(default=1, ge=1, le=100)
    migration_every: int = Field(default=20, ge=0, description="tells between migrations; 0: never")
    restart_every: int = Field(
        default=0, ge=0, description="tells after which the weaker half of the islands begins again; 0: never"
    )
    new_island_after: int = Field(
        default=0, ge=0, description="tells without a better one after which an island is added; 0: never"
    )
    most_islands: int = Field(default=4, ge=1, le=100, description="that stagnation may lead to")
    crossover: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description=f"share of asks that cross two programs, without models; {CROSSED_WITH_BASELINES} with baselines",
    )
    number_share: float = Field(default=0.75, ge=0, le=1, description="of genetic steps: those that move a number")
    donors: Donors = Donors.ARCHIVE
    inspirations: Inspirations = Field(
        default=Inspirations.COMPLEMENTARY, description="how donors and other programs to show are chosen"
    )
    twins: bool = Field(default=True, description="programs that behave alike share one evaluation")
    embedding: ModelSpec | None = Field(default=None, description="model whose embeddings tell what is near; none: off")
    near_cosine: float = Field(default=0.98, gt=0, le=1, description="of embeddings, from which on programs are near")
    near_duplicates: NearDuplicates = NearDuplicates.FLAG
    judge: ModelSpec | None = Field(default=None, description="model that judges near programs, for `judge` above")
    racing: float = Field(
        default=0.2, ge=0, le=0.5, description="error rate at which clearly worse programs are stopped early; 0: never"
    )
    final_tier: Tier | None = Field(default=None, description="tier of the hold-out at the end; None: the task's own")
    look_every: int = Field(
        default=50, ge=0, description="tells between looks at the champion on fresh validation seeds; 0: never"
    )
    finalists: int = Field(default=3, ge=0, le=100, description="programs that get a hold-out score at the end")
    allow_unsafe: bool = False

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_sentence(cls, values: object, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Raises `ConfigError` in place of pydantic's own, wherever a configuration is made."""
        if isinstance(values, dict):
            _require_known(map(str, values), "a run's configuration")
        try:
            return validate(values)
        except ValidationError as error:
            raise ConfigError(_sentence(error)) from error

    @property
    def active_judge(self) -> ModelSpec | None:
        """The model that judges near programs; None where nobody is to."""
        return self.judge if self.near_duplicates is NearDuplicates.JUDGE else None


def read_config(path: Path) -> dict[str, object]:
    """The table of a run file, keys not yet checked.

    Raises:
        ConfigError: The file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the run file {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}") from error


def build_config(values: dict[str, object]) -> RunConfig:
    """A checked configuration.

    Raises:
        ConfigError: An unknown key (the nearest is named) or a value out of range, in one sentence.
    """
    _require_known(values, "the run file")
    if values.get("donors") == Donors.BASELINES:
        values = {"crossover": CROSSED_WITH_BASELINES, **values}
    config = RunConfig.model_validate(values)
    _require_judge(config)
    return config


def changed_config(config: RunConfig, changes: Mapping[str, object]) -> RunConfig:
    """`config` with other values, checked as those of a run file are.

    Raises:
        ConfigError: A value out of range.
    """
    return build_config({**config.model_dump(), **changes}) if changes else config


def _require_known(keys: Iterable[str], where: str) -> None:
    """That a run knows every key.

    Raises:
        ConfigError: It does not; the nearest is named.
    """
    known = tuple(RunConfig.model_fields)
    for key in keys:
        if key not in known:
            raise ConfigError(f"{where} has an unknown key {key!r}{did_you_mean(key, known)}")


def _sentence(error: ValidationError) -> str:
    """What is wrong first, where, and what was found; the nearest of named choices."""
    first = error.errors()[0]
    where, found = ".".join(str(part) for part in first["loc"][:2]), first["input"]
    near = ""
    if first["type"] == "enum" and isinstance(found, str):
        near = nearest(found, re.findall(r"'([^']*)'", first["ctx"]["expected"]))
    return f"{where}: {first['msg']}, found {found!r}{near}"


def _require_judge(config: RunConfig) -> None:
    """That what a judge needs is there, where near programs are to be judged.

    Raises:
        ConfigError: It is not.
    """
    if config.near_duplicates is not NearDuplicates.JUDGE:
        return
    if config.judge is None:
        raise ConfigError(
            'near_duplicates = "judge" needs a model to ask: write judge = "NAME" of one of the run\'s models, or a '
            "[judge] table with the keys of [[models]]"
        )
    if config.embedding is None:
        raise ConfigError(
            'near_duplicates = "judge" needs an [embedding] table: its model says which programs are near enough to '
            "be judged"
        )
