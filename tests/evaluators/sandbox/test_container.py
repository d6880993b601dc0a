from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from evaluators.contract import Limits
from evaluators.sandbox import container
from evaluators.sandbox.container import Container, container_for, working_engine
from evaluators.sandbox.errors import SandboxError

LIMITS = Limits(wall_s=1.0, cpu_s=1.0, call_wall_s=1.0, memory_bytes=1 << 30)
IMAGE = os.environ.get("EVENKEEL_TEST_IMAGE", "")


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_container_has_no_network_no_capabilities_and_a_root_that_cannot_be_written() -> None:
    command = container_for(LIMITS, "evenkeel:1", engine="docker").command()
    assert option(command, "--network") == "none"
    assert option(command, "--cap-drop") == "ALL"
    assert option(command, "--security-opt") == "no-new-privileges"
    assert option(command, "--user") == "65534:65534"
    assert "--read-only" in command
    assert not {"-v", "--volume", "--mount", "--privileged", "-e", "--env"} & set(command)


def test_container_limits_memory_processes_cpu_and_scratch() -> None:
    command = container_for(LIMITS, "evenkeel:1", engine="docker").command()
    assert int(option(command, "--memory")) == int(option(command, "--memory-swap")) > LIMITS.memory_bytes
    assert 0 < int(option(command, "--pids-limit")) <= 32
    assert float(option(command, "--cpus")) == 1.0
    assert {"size=16m", "nr_inodes=256", "noexec"} <= set(option(command, "--tmpfs").partition(":")[2].split(","))


def test_worker_s_command_stands_last_and_the_runtime_is_passed_on() -> None:
    command = Container(engine="podman", image="evenkeel:1", memory_bytes=1, runtime="runsc").command(["w", "x"])
    assert command[:2] == ["podman", "run"]
    assert command[-3:] == ["evenkeel:1", "w", "x"]
    assert option(command, "--runtime") == "runsc"


def test_machine_without_an_engine_is_told_which_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"podman or docker.*none of them is installed"):
        working_engine()


def test_engine_that_does_not_answer_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, status in (("podman", 1), ("docker", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert working_engine() == str(tmp_path / "docker")
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(SandboxError, match="cannot reach an engine"):
        working_engine()
    monkeypatch.setattr(container, "ENGINES", ("docker",))
    (tmp_path / "docker").write_text("not a program")
    with pytest.raises(SandboxError, match="cannot reach an engine"):
        working_engine()


@pytest.mark.skipif(not IMAGE, reason="EVENKEEL_TEST_IMAGE names no image to run in")
def test_worker_in_a_container_ends_with_its_input() -> None:
    command = container_for(LIMITS, IMAGE).command()
    assert subprocess.run(command, stdin=subprocess.DEVNULL, timeout=120, check=False).returncode == 0
