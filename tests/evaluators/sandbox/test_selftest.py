from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.probe import probe_machine
from evaluators.sandbox import selftest
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.errors import SandboxError
from evaluators.sandbox.properties import Property

COMPLETE = not probe_machine().missing
needs_layers = pytest.mark.skipif(not COMPLETE, reason="this machine lacks seccomp or Landlock")


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@needs_layers
def test_complete_sandbox_passes_and_the_pass_is_remembered(cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox.start(["numpy"]) as sandbox:
        assert "unsafe" not in sandbox.layers
        assert sandbox.layers.startswith("rlimit+")
    assert len(list(cache_home.glob("evenkeel/sandbox/*"))) == 1

    monkeypatch.setattr(selftest, "_holds", lambda *_: pytest.fail("tried again"))
    Sandbox.start(["numpy"]).close()


@needs_layers
def test_cache_that_cannot_be_written_is_no_error(cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache_home / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home / "file"))
    Sandbox.start(["numpy"]).close()


@pytest.mark.parametrize(
    ("disabled", "lost"),
    [
        (("seccomp",), {Property.PROCESSES, Property.NETWORK}),
        (("landlock",), {Property.READING, Property.WRITING}),
        (("landlock", "seccomp"), {Property.PROCESSES, Property.READING, Property.WRITING, Property.NETWORK}),
    ],
)
def test_missing_layer_is_refused_with_what_is_lost(disabled: tuple[str, ...], lost: set[Property]) -> None:
    with pytest.raises(SandboxError, match="cannot run untrusted programs safely") as refused:
        Sandbox.start(["numpy"], disabled=disabled)
    assert {promise for promise in Property if promise in str(refused.value)} >= lost


def test_unsafe_sandbox_says_so(cache_home: Path) -> None:
    with Sandbox.start(["numpy"], allow_unsafe=True, disabled=("seccomp",)) as sandbox:
        assert sandbox.layers.endswith("+unsafe")
        assert "seccomp" not in sandbox.layers
    assert not list(cache_home.glob("evenkeel/sandbox/*"))
