from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from evaluators.contract import Environment
from evaluators.environment import (
    cpu_model,
    current_environment,
    device_and_driver,
    device_and_driver_by_nvml,
    evaluator_revision,
)
from evaluators.jsonable import dumps, loads
from evaluators.probe import probe_machine
from evaluators.sandbox.revision import source_digest

EPYC = "processor\t: 0\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\n"
GRACE = "processor\t: 0\nBogoMIPS\t: 2000.00\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd4f\n"
PI = "processor\t: 0\nmodel name\t: ARMv7\n\nHardware\t: BCM2835\n"


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        (EPYC, "AMD EPYC (family 26 model 2)"),
        (GRACE, "ARM implementer 0x41 part 0xd4f"),
        (PI, "ARMv7"),
        ("", ""),
    ],
)
def test_processor_is_named_from_cpuinfo(cpuinfo: str, name: str) -> None:
    assert cpu_model(cpuinfo) == name


def test_environment_names_versions_and_layers_and_reads_back() -> None:
    environment = current_environment(["scipy", "no_such_library"], "rlimit+seccomp+landlock7")
    assert environment.libraries.keys() == {"numpy", "scipy", "no_such_library"}
    assert environment.libraries["no_such_library"] == "none"
    assert environment.sandbox == "rlimit+seccomp+landlock7"
    assert environment.cpu_model
    assert environment.evaluator_revision == evaluator_revision()
    assert loads(Environment, dumps(environment)) == environment


def test_naming_libraries_and_probing_imports_none() -> None:
    code = (
        "import sys; from evaluators.environment import current_environment\n"
        "from evaluators.probe import probe_machine\n"
        "current_environment(['scipy'], 'x'); probe_machine(); assert not {'numpy', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_gpu_is_read_from_the_drivers_files(tmp_path: Path) -> None:
    assert device_and_driver(tmp_path) == ("", "")
    (tmp_path / "gpus" / "0000:01:00.0").mkdir(parents=True)
    (tmp_path / "gpus" / "0000:01:00.0" / "information").write_text("Model: \t\t NVIDIA H200\nIRQ: 1\n")
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan 1\n")
    assert device_and_driver(tmp_path) == ("NVIDIA H200", "570.86.15")


class Nvml:
    """Stands in for the driver's management library, with one GPU or none."""

    def __init__(self, gpus: int) -> None:
        self._gpus = gpus

    def nvmlInit_v2(self) -> int:  # noqa: N802 - the library's names
        return 0 if self._gpus else 9

    def nvmlShutdown(self) -> int:  # noqa: N802
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, handle: object) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: object, name: ctypes.Array[ctypes.c_char], size: int) -> int:  # noqa: N802
        name.value = b"NVIDIA H200"
        return 0

    def nvmlSystemGetDriverVersion(self, version: ctypes.Array[ctypes.c_char], size: int) -> int:  # noqa: N802
        version.value = b"580.159.03"
        return 0


@pytest.mark.parametrize(("gpus", "said"), [(1, ("NVIDIA H200", "580.159.03")), (0, ("", ""))])
def test_gpu_is_read_from_the_management_library_where_there_are_no_files(
    monkeypatch: pytest.MonkeyPatch, gpus: int, said: tuple[str, str]
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Nvml(gpus))
    assert device_and_driver_by_nvml() == said


def test_source_digest_depends_on_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x")
    first = source_digest.__wrapped__(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    second = source_digest.__wrapped__(tmp_path)
    (tmp_path / "b.py").write_text("y")
    assert len({first, second, source_digest.__wrapped__(tmp_path)}) == 3


def test_report_has_every_promise_and_a_remedy_for_each_that_fails() -> None:
    report = probe_machine()
    assert [each.label for each in report.properties] == [f"P{i}" for i in range(1, 9)]
    assert all(each.holds != bool(each.remedy) for each in report.properties)
    assert bool(report.missing) == report.layers.endswith("unsafe")


def test_report_reads_as_one_line_per_promise() -> None:
    lines = str(probe_machine()).splitlines()
    assert lines[0].startswith("sandbox ")
    assert [line[:2] for line in lines[1:]] == [f"P{i}" for i in range(1, 9)]


def test_machine_without_linux_is_told_to_use_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    report = probe_machine()
    assert len(report.missing) == 8
    assert "MISSING" in str(report)
    assert all("container" in each.remedy for each in report.missing)
