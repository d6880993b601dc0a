"""Environments, leagues and tasks: few, never changed, shared by all evaluations, and therefore kept in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import BindParameter, Connection, bindparam, select

from archive.database import Upsert, insert_into
from archive.evaluation_mapping import (
    League,
    environment_of,
    environment_values,
    league_of,
    league_values,
)
from archive.mapping import AnyRow, Values, parameters_of, task_values
from archive.records import EvaluationKey
from archive.schema import environments, leagues, tasks
from evaluators.contract import Environment, Evaluation, ParameterValue

_WANTED: BindParameter[Sequence[str]] = bindparam("wanted", expanding=True)
_LEAGUES = select(leagues).where(leagues.c.digest.in_(_WANTED))
_TASKS = select(tasks).where(tasks.c.task_identity.in_(_WANTED))
_ENVIRONMENTS = select(environments).where(environments.c.digest.in_(_WANTED))


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where one evaluation was made and what it may be compared with, as rows."""

    league: League
    league_row: Values
    environment: Environment
    environment_row: Values
    parameters: Mapping[str, ParameterValue] | None  # None: nobody can tell them

    @classmethod
    def of(cls, evaluation: Evaluation, key: EvaluationKey) -> Circumstances:
        """The circumstances of `evaluation`.

        Raises:
            ArchiveError: The environment, or a parameter, has no JSON form.
        """
        league = League(
            task=evaluation.task,
            task_identity=evaluation.task_identity,
            environment_class=evaluation.environment_class,
            planner_clock=str(key.planner_clock),
        )
        return cls(
            league=league,
            league_row=league_values(league),
            environment=evaluation.environment,
            environment_row=environment_values(evaluation.environment),
            parameters=evaluation.parameters,
        )

    @property
    def digests(self) -> Values:
        """What the evaluation's row refers to them by."""
        return {"league": self.league_row["digest"], "environment": self.environment_row["digest"]}


class SharedRows:
    """The leagues, environments and task parameters of one archive by digest; all that is held here is committed."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self.leagues: dict[str, League] = {}
        self.environments: dict[str, Environment] = {}
        self.parameters: dict[str, Mapping[str, ParameterValue] | None] = {}  # by task identity; None: not archived

    def insert(self, connection: Connection, made: Circumstances) -> None:
        """Archives what is not known to be there."""
        if made.league_row["digest"] not in self.leagues:
            connection.execute(_add_league(self._dialect), made.league_row)
        if made.environment_row["digest"] not in self.environments:
            connection.execute(_add_environment(self._dialect), made.environment_row)
        if made.parameters is not None and self.parameters.get(made.league.task_identity) is None:
            row = task_values(made.league.task, made.league.task_identity, made.parameters)
            connection.execute(_add_task(self._dialect), row)

    def remember(self, made: Circumstances) -> None:
        """Keeps what a committed transaction archived."""
        self.leagues[made.league_row["digest"]] = made.league
        self.environments[made.environment_row["digest"]] = made.environment
        if made.parameters is not None:
            self.parameters[made.league.task_identity] = made.parameters

    def load(self, connection: Connection, rows: Sequence[AnyRow]) -> None:
        """Reads what the evaluations in `rows` refer to, as far as it is not held."""
        if missing := {row.league for row in rows} - self.leagues.keys():
            found = connection.execute(_LEAGUES, {"wanted": sorted(missing)})
            self.leagues.update({row.digest: league_of(row) for row in found})
        if missing := {row.environment for row in rows} - self.environments.keys():
            found = connection.execute(_ENVIRONMENTS, {"wanted": sorted(missing)})
            self.environments.update({row.digest: environment_of(row) for row in found})
        identities = {self.leagues[row.league].task_identity for row in rows}
        if missing := {identity for identity in identities if self.parameters.get(identity) is None}:
            held = connection.execute(_TASKS, {"wanted": sorted(missing)})
            self.parameters |= dict.fromkeys(missing) | {
                row.task_identity: parameters_of(row.parameters) for row in held
            }


@cache
def _add_league(dialect: str) -> Upsert:
    return insert_into(leagues, dialect).on_conflict_do_nothing()


@cache
def _add_task(dialect: str) -> Upsert:
    return insert_into(tasks, dialect).on_conflict_do_nothing()


@cache
def _add_environment(dialect: str) -> Upsert:
    return insert_into(environments, dialect).on_conflict_do_nothing()
