"""Which runs wait for somebody outside: to be asked for a prompt, or for its answer. Nothing drives them meanwhile."""

from __future__ import annotations

import json

from archive.records import OUTSIDE, AttemptState, RunStatus
from archive.run_summaries import RunSummary
from archive.run_views import founder_scores, in_flight
from archive.store import Archive

WAITING = "waiting"  # where a run stands that can be asked or told


def open_asks(archive: Archive, run_id: str) -> int:
    """How many attempts were asked and have no answer yet."""
    return in_flight(archive, run_id).get(AttemptState.ASKED.value, 0)


def is_waiting(archive: Archive, run: RunSummary) -> bool:
    """Whether `run` waits for `evolve ask` or `evolve tell`, rather than to be gone on with.

    Between these commands a run from outside has the status of one that was interrupted. It is one where its first
    programs were not scored yet, and where every attempt that it may make was told.
    """
    config = json.loads(run.config)
    if run.status != RunStatus.INTERRUPTED or config.get("proposer") != OUTSIDE:
        return False
    if run.asked == 0:
        return all(founder.score is not None for founder in founder_scores(archive, run.run_id))
    limit = config.get("attempts")
    return limit is None or run.told < limit
