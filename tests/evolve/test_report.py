from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.paired import gain_of, p_of
from evaluators.significance import SIGNIFICANT
from evolve.cli.report import verdict_sentence, verdict_table
from evolve.comparison import compare
from evolve.run.finale import Standing, Verdict
from tests.evolve.evaluations import an_evaluation

BASE = np.random.default_rng(0).uniform(0.3, 0.6, 12)
INITIAL = an_evaluation(BASE, Tier.FULL, Split.HOLDOUT)


def a_gain(differences: Sequence[float]) -> Evaluation:
    return an_evaluation(BASE + np.array(differences), Tier.FULL, Split.HOLDOUT)


def a_standing(name: str, role: str, holdout: Evaluation, *, is_reference: bool = False) -> Standing:
    return Standing(
        name=name,
        candidate_id=name,
        role=role,
        search=0.5,
        validation=0.5,
        holdout=holdout.objective,
        holdout_interval=None,
        gain=None if is_reference else gain_of(holdout, INITIAL),
        gain_p=None if is_reference else p_of(holdout, INITIAL),
        outcome=Outcome.SCORED,
    )


def a_verdict(champion: Standing, *others: Standing) -> Verdict:
    initial = a_standing("first", "initial", INITIAL, is_reference=True)
    return Verdict(champion_id=champion.candidate_id, initial_id="first", standings=(champion, initial, *others))


def gains_where_interval_and_test_disagree() -> Evaluation:
    rng = np.random.default_rng(0)
    while True:
        found = a_gain((rng.standard_t(2, 12) * 0.02 + 0.012).tolist())
        interval, p = gain_of(found, INITIAL), p_of(found, INITIAL)
        if interval is not None and interval.low > 0 and (p or 0) >= SIGNIFICANT:
            return found


def test_what_a_run_claims_is_what_a_comparison_claims() -> None:
    unsure, sure = gains_where_interval_and_test_disagree(), a_gain([0.04, 0.05, 0.06] * 4)
    for holdout, claim in ((unsure, "is not shown to differ from"), (sure, "is better than")):
        said = verdict_sentence(a_verdict(a_standing("evolved", "champion", holdout)))
        assert f"evolved {claim} the initial program" in said
        compared = compare("evolved", holdout, "old", INITIAL).verdict
        assert f"evolved {claim} old" in compared
        for sentence in (said, compared):  # where the interval alone would claim, the reason why nothing is
            assert ("a claim needs p below 0.05 beside an interval without zero" in sentence) is (holdout is unsure)


def test_a_second_initial_program_that_leads_is_not_called_the_initial_one() -> None:
    second = a_standing("second", "initial", a_gain([0.04, 0.05, 0.06] * 4))
    verdict = a_verdict(second, a_standing("evolved", "finalist", a_gain([0.02, 0.03, 0.02] * 4)))
    said = verdict_sentence(verdict)
    assert "No evolved program was shown to be better" not in said
    assert said.startswith("The champion second, with which the run began and which no evolved program passed")
    assert "better than the initial program on the hold-out" in said
    assert "[+0.04" in verdict_table(verdict).splitlines()[2]  # its gain over the first


def test_a_run_without_a_better_program_says_so() -> None:
    verdict = a_verdict(a_standing("first", "initial", INITIAL, is_reference=True))
    assert verdict_sentence(verdict) == "No evolved program was shown to be better than the initial one on validation."
