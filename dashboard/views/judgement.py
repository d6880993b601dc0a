"""The verdict of a finished run, read again from its archived evaluations: for its page, and for `evolve runs RUN`."""

from __future__ import annotations

from archive import endings
from archive.store import Archive
from dashboard.views.verdict import Verdict, champion_of, judged_ids, tier_of, verdict_of
from evaluators.contract import Tier


def read_verdict(archive: Archive, run_id: str, final_tier: Tier | None) -> Verdict | None:
    """What the hold-out says of the run's champion; None where the run was not judged.

    Args:
        final_tier: Of the hold-out, as the run was told; None for the largest that was played.
    """
    judging = endings.judging_of(archive, run_id)
    if judging is None:
        return None
    champion = champion_of(judging)
    scores = endings.holdout_scores(archive, judging, judged_ids(judging, champion))
    tier = tier_of(scores, champion, judging.initial_id, final_tier)
    if tier is None:
        return None
    holdouts = [endings.holdout_of(archive, judging, id_, tier) for id_ in (champion, judging.initial_id)]
    return verdict_of(judging, champion, tier, scores, holdouts)
