"""Where an evaluation runs: machine, versions, evaluator revision, sandbox. Imports none of the libraries it names."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

from evaluators.contract import SELF_SCORED, Environment, Task
from evaluators.sandbox.revision import source_digest

_X86_KEYS = ("model name", "cpu family", "model")  # hypervisors cut the name to "AMD EPYC"; the rest tells them apart
_ARM_KEYS = ("CPU implementer", "CPU part")
_DEVICE_LIBRARIES = frozenset({"torch", "triton"})
_NVIDIA = Path("/proc/driver/nvidia")
_NVML = "libnvidia-ml.so.1"


def environment_of(task: Task, sandbox_layers: str) -> Environment:
    """The environment of this process for `task`; a self-scored one says so wherever the sandbox is named."""
    label = f"{sandbox_layers}, {SELF_SCORED}" if task.self_scored else sandbox_layers
    return current_environment(task.libraries, label)


def current_environment(libraries: Iterable[str], sandbox_layers: str) -> Environment:
    """The environment of this process; the device is named only for libraries that can use one."""
    names = sorted({"numpy", *libraries})
    device, driver = this_device() if _DEVICE_LIBRARIES.intersection(names) else ("", "")
    return Environment(
        cpu_model=_this_cpu(),
        architecture=platform.machine(),
        operating_system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        libraries={name: _version(name) for name in names},
        sandbox=sandbox_layers,
        evaluator_revision=evaluator_revision(),
        device=device,
        driver=driver,
    )


@cache
def evaluator_revision() -> str:
    """Twelve hex digits over every Python file of the evaluators; read once per process."""
    return source_digest(Path(__file__).parent)


def cpu_model(cpuinfo: str) -> str:
    """The processor that a ``/proc/cpuinfo`` text describes; empty when it names none."""
    fields = dict(_field(line) for line in reversed(cpuinfo.splitlines()) if ":" in line)
    if fields.keys() >= set(_X86_KEYS):
        name, family, model = (fields[key] for key in _X86_KEYS)
        return f"{name} (family {family} model {model})"
    if fields.keys() >= set(_ARM_KEYS):
        implementer, part = (fields[key] for key in _ARM_KEYS)
        return f"ARM implementer {implementer} part {part}"
    return fields.get("model name", fields.get("Model", ""))


@cache
def _this_cpu() -> str:
    try:
        found = cpu_model(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = ""
    return found or platform.processor() or platform.machine()


def _field(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.strip(), " ".join(value.split())


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "none"


@cache
def this_device() -> tuple[str, str]:
    """The first NVIDIA GPU of this machine and its driver; empty without one."""
    found = device_and_driver(_NVIDIA)
    return found if found[0] else device_and_driver_by_nvml()


def device_and_driver_by_nvml() -> tuple[str, str]:
    """The same as the driver's management library says it, for containers without the driver's files; empty if none."""
    try:
        nvml = ctypes.CDLL(_NVML)
    except OSError:
        return "", ""
    handle, name, version = ctypes.c_void_p(), ctypes.create_string_buffer(96), ctypes.create_string_buffer(96)
    if nvml.nvmlInit_v2():
        return "", ""
    failed = (
        nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(handle))
        or nvml.nvmlDeviceGetName(handle, name, len(name))
        or nvml.nvmlSystemGetDriverVersion(version, len(version))
    )
    nvml.nvmlShutdown()
    return ("", "") if failed else (name.value.decode("ascii", "replace"), version.value.decode("ascii", "replace"))


def device_and_driver(driver_directory: Path) -> tuple[str, str]:
    """The first NVIDIA GPU's model and the driver's version, from the driver's own files; empty without one."""
    try:
        gpu = sorted(driver_directory.glob("gpus/*/information"))[0].read_text(encoding="utf-8", errors="replace")
        version = (driver_directory / "version").read_text(encoding="utf-8", errors="replace")
    except (OSError, IndexError):
        return "", ""
    fields = dict(_field(line) for line in gpu.splitlines() if ":" in line)
    digits = [word for word in version.split() if word[0].isdigit() and "." in word]
    return fields.get("Model", "NVIDIA GPU"), digits[0] if digits else ""
