"""With a layer left out, attacks succeed again, and the sandbox refuses to start unless told otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.contract import Outcome
from evaluators.probe import probe_machine
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.errors import SandboxError
from evaluators.sandbox.properties import Property
from tests.hostile.ablation import LAYER_SETS, RETURNING, succeeding
from tests.hostile.corpus import LONG, run, scene
from tests.hostile.headers import ATTACKS

needs_layers = pytest.mark.skipif(bool(probe_machine().missing), reason="this machine lacks seccomp or Landlock")
GROWS = next(path for path in ATTACKS if path.stem == "c02_grows_a_list").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@needs_layers
@pytest.mark.parametrize("name", RETURNING)
def test_attacks_succeed_again_without_the_layer_that_stops_them(name: str) -> None:
    layers, won = succeeding(LAYER_SETS[name])
    assert set(RETURNING[name]) <= set(won)
    assert "unsafe" in layers.split("+")


@needs_layers
def test_no_harmless_attack_succeeds_with_all_layers() -> None:
    assert succeeding(LAYER_SETS["all layers"])[1] == []


@needs_layers
@pytest.mark.parametrize("disabled", [("landlock",), ("seccomp",), ("landlock", "seccomp"), ("rlimit",)])
def test_sandbox_without_a_layer_refuses_to_start_and_says_how_to_go_on(disabled: tuple[str, ...]) -> None:
    with pytest.raises(SandboxError, match="evolve doctor.*--allow-unsafe"):
        Sandbox.start(["numpy"], disabled=disabled)


@needs_layers
def test_without_rlimits_memory_and_large_files_are_what_is_lost() -> None:
    with pytest.raises(SandboxError, match=Property.MEMORY.value) as refused:
        Sandbox.start(["numpy"], disabled=("rlimit",))
    assert [promise for promise in Property if promise.value in str(refused.value)] == [Property.MEMORY]


def test_watchdog_alone_stops_a_program_that_grows() -> None:
    with Sandbox(["numpy"], disabled=("rlimit",)) as sandbox, scene() as context:
        ending = run(sandbox, GROWS, context, LONG)
        assert (ending.outcome, ending.text) == (Outcome.OUT_OF_MEMORY, "holds more memory than allowed")
