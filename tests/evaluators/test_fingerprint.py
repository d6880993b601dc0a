from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from evaluators.candidate import Array, Reply
from evaluators.contract import Evaluation, PlannerClock, Split, Tier
from evaluators.environment import current_environment
from evaluators.fingerprint import Witness
from evaluators.problem import ClockPolicy
from evaluators.racing import Race
from evaluators.sandbox.client import Sandbox
from evaluators.scoring import Workload, evaluate
from evaluators.toy import PROBLEM


def digest_of(*arrays: Array, name: str = "plan", delays_s: tuple[float, ...] = ()) -> str:
    witness = Witness()
    for array in arrays:
        witness.see("call", Reply(arrays={name: array}, cpu_s=0.0))
    return witness.finish(delays_s)


ROW = np.arange(4, dtype=np.int32)


@pytest.mark.parametrize(
    "other",
    [
        lambda: digest_of(ROW + 1),
        lambda: digest_of(ROW.astype(np.int64)),
        lambda: digest_of(ROW.reshape(2, 2)),
        lambda: digest_of(ROW, name="split"),
        lambda: digest_of(ROW, ROW),
        lambda: digest_of(ROW, delays_s=(0.25,)),
        lambda: digest_of(),
    ],
    ids=["values", "dtype", "shape", "name", "calls", "charged time", "nothing"],
)
def test_whatever_can_change_a_score_changes_the_digest(other: Callable[[], str]) -> None:
    assert other() != digest_of(ROW)


def test_equal_replies_have_equal_digests_whatever_their_layout() -> None:
    wide = np.arange(8, dtype=np.int32).reshape(2, 4)
    assert digest_of(wide) == digest_of(np.asfortranarray(wide))
    assert len(digest_of(wide)) == 16


def test_each_instance_has_its_own_digest() -> None:
    witness = Witness()
    found = []
    for _ in range(2):
        witness.see("call", Reply(arrays={"plan": ROW}, cpu_s=0.0))
        found.append(witness.finish(()))
    assert found[0] == found[1] == digest_of(ROW)


GUESSES = {
    "mean": "def guess(hints):\n    return float(hints.mean())\n",
    "mean again": "def guess(hints):\n    total = hints.sum()\n    return float(hints.mean()) + 0.0 * total\n",
    "median": "import numpy as np\ndef guess(hints):\n    return float(np.median(hints))\n",
    "broken": "def guess(hints):\n    raise ValueError\n",
}


@pytest.fixture(scope="module")
def play() -> Callable[..., Evaluation]:
    """A function that evaluates one of `GUESSES` in a sandbox."""
    workloads = {split: Workload.build(PROBLEM, Tier.QUICK, split, "secret") for split in Split}

    def scene(name: str, race: Race | None = None, split: Split = Split.SEARCH) -> Evaluation:
        with Sandbox.start(PROBLEM.task.libraries) as sandbox:
            return evaluate(
                PROBLEM,
                workloads[split],
                GUESSES[name],
                sandbox.candidate,
                current_environment(PROBLEM.task.libraries, sandbox.layers),
                ClockPolicy(clock=PlannerClock.MODELLED),
                race=race or Race(),
            )

    return scene


def test_programs_that_decide_alike_behave_alike(play: Callable[..., Evaluation]) -> None:
    mean, again, median, broken = (play(name) for name in GUESSES)
    assert mean.behaviour == again.behaviour != ""
    assert median.behaviour not in ("", mean.behaviour)
    assert broken.behaviour == ""


def test_no_digest_is_taken_where_nothing_may_be_learnt(play: Callable[..., Evaluation]) -> None:
    for split in (Split.VALIDATION, Split.HOLDOUT):
        assert play("mean", split=split).behaviour == ""


def test_a_twin_is_stopped_after_a_third_without_a_score(play: Callable[..., Evaluation]) -> None:
    mean = play("mean")
    race = Race(twins=(tuple(instance.behaviour for instance in mean.instances),))
    again, median = play("mean again", race), play("median", race)
    assert (again.outcome, again.objective, again.metrics) == ("stopped", None, {})
    assert median.outcome == "scored"
    assert 0 < len(again.instances) < len(mean.instances)
    by_name = {instance.name: instance for instance in mean.instances}
    assert all(by_name[instance.name] == instance for instance in again.instances)
