from __future__ import annotations

import pytest

from evaluators.contract import Split
from evaluators.probe import probe_machine, properties_of
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.errors import SandboxError
from tests.hostile import on_tasks
from tests.hostile.headers import ATTACKS, read_attack


def missing(layers: str) -> list[str]:
    return [report.label for report in properties_of(layers) if not report.holds]


@pytest.mark.parametrize(
    ("layers", "labels"),
    [
        ("rlimit+seccomp+landlock7", []),
        ("bubblewrap+rlimit+uid+seccomp+landlock1", []),
        ("rlimit+landlock7+unsafe", ["P4", "P6", "P7", "P8"]),
        ("rlimit+seccomp+unsafe", ["P5", "P6"]),
        ("rlimit+unsafe", ["P4", "P5", "P6", "P7", "P8"]),
        ("", [f"P{index}" for index in range(1, 9)]),
    ],
)
def test_layers_tell_which_promises_they_keep(layers: str, labels: list[str]) -> None:
    assert missing(layers) == labels


def test_missing_promise_has_a_remedy_and_a_kept_one_its_layer() -> None:
    for report in (*properties_of("rlimit+seccomp+unsafe"), *properties_of("rlimit+landlock7+unsafe")):
        assert bool(report.layer) != bool(report.remedy)


def test_report_of_this_machine_is_that_of_its_layers() -> None:
    report = probe_machine()
    assert report.properties == properties_of(report.layers)


def test_report_can_be_read_back_from_a_stored_evaluation() -> None:
    try:
        sandbox = Sandbox.start(["numpy"])
    except SandboxError as error:
        pytest.skip(f"the sandbox is incomplete here: {error}")
    path = next(path for path in ATTACKS if path.stem == "k13_overflows_the_score")
    with sandbox:
        evaluation = on_tasks.play(sandbox, read_attack(path))
    assert evaluation.split is Split.SEARCH
    assert missing(evaluation.environment.sandbox) == []
    assert evaluation.environment.sandbox in evaluation.environment_class
