"""Which evaluations are a run's: those made on its instances and in its league, whoever paid for them.

A program is scored once for all runs of one seed, and for `evolve evaluate` with it; and a run that paid may be
removed. So who paid tells nothing of an evaluation that was finished. One that was not (it was stopped early, or the
infrastructure failed) stands for no score of its program, and is of the run that paid for it alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BindParameter, Connection, and_, bindparam, or_, select

from archive.mapping import Values
from archive.schema import evaluations, leagues, runs
from evaluators.contract import Outcome, Split
from evaluators.seeding import SeedSource

_LEAGUES: BindParameter[Sequence[str]] = bindparam("run_leagues", expanding=True)
_SEEDS: BindParameter[Sequence[str]] = bindparam("run_seeds", expanding=True)
_THIS_RUN = evaluations.c.run_id == bindparam("this_run")
_FINISHED = evaluations.c.key_digest.is_not(None)

OF_RUN_OR_NOBODY = or_(_FINISHED, _THIS_RUN)
IN_LEAGUE = evaluations.c.league.in_(_LEAGUES)
ON_INSTANCES = evaluations.c.seeds.in_(_SEEDS)
OF_RUN = and_(IN_LEAGUE, ON_INSTANCES, OF_RUN_OR_NOBODY)  # binds what `scope_of` gives
STOPPED_BY_RUN = and_(_THIS_RUN, evaluations.c.outcome == Outcome.STOPPED.value)

_RUN = select(runs.c.secret, runs.c.task_identity).where(runs.c.id == bindparam("this_run"))
_LEAGUE_PAID_IN = select(evaluations.c.league).where(_THIS_RUN, _FINISHED, evaluations.c.split == Split.SEARCH.value)
_LEAGUES_OF_TASK = select(leagues.c.digest).where(leagues.c.task_identity == bindparam("task_identity"))


def scope_of(connection: Connection, run_id: str, *splits: Split) -> Values:
    """What `OF_RUN` binds for a run's evaluations on `splits`, each search or validation; of no run, nothing is found.

    The league is the one that the run paid in. One that paid for nothing may use any of its task.
    """
    this_run: Values = {"this_run": run_id}
    row = connection.execute(_RUN, this_run).one_or_none()
    if row is None:
        return this_run | {"run_seeds": [], "run_leagues": []}
    paid_in = connection.execute(_LEAGUE_PAID_IN.limit(1), this_run).scalar()
    of_task = connection.execute(_LEAGUES_OF_TASK, {"task_identity": row.task_identity}).scalars().all()
    seeds = [SeedSource(row.secret, split).digest() for split in splits]
    return this_run | {"run_seeds": seeds, "run_leagues": of_task if paid_in is None else [paid_in]}
