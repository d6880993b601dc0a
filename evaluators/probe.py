"""What this machine's sandbox can do and what it lacks, for `evolve doctor`. Standard library only; runs no program.

This is what the kernel offers; `evaluators.sandbox.selftest` tries it before any program is run.
"""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from evaluators.sandbox import landlock, seccomp
from evaluators.sandbox.container import ENGINES
from evaluators.sandbox.properties import Property

_NEWER_KERNEL = "use a kernel of at least 5.13 with Landlock enabled (`lsm=landlock,...` on its command line)"
_FILTERS = "use an x86-64 or aarch64 kernel with CONFIG_SECCOMP_FILTER; some container runtimes switch it off"
_CONTAINER = "run Evenkeel in a Linux container or virtual machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyReport:
    """One promise of the sandbox on this machine."""

    label: str  # "P1" to "P8"
    promise: str
    layer: str  # what keeps it; empty when nothing does
    remedy: str  # how to get it; empty when it holds

    @property
    def holds(self) -> bool:
        """Whether some layer keeps the promise."""
        return bool(self.layer)

    def __str__(self) -> str:
        if self.holds:
            return f"{self.label} holds    {self.promise} ({self.layer})"
        return f"{self.label} MISSING  {self.promise}: {self.remedy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReport:
    """The promises, and the kernel facts behind them."""

    properties: tuple[PropertyReport, ...]
    layers: str  # as results will carry it, but for ``uid``, which depends on where Python and its libraries lie
    operating_system: str
    architecture: str
    landlock_abi: int  # 0 without Landlock
    seccomp: bool
    user_namespaces: bool  # allowed to this user; bubblewrap needs them, nothing else does
    uid: int
    bubblewrap: bool  # installed; EVENKEEL_SANDBOX=bubblewrap uses it
    container_engines: tuple[str, ...]  # installed, whether or not they answer

    @property
    def missing(self) -> tuple[PropertyReport, ...]:
        """The promises that cannot be kept here; any of them refuses a run without ``--allow-unsafe``."""
        return tuple(report for report in self.properties if not report.holds)

    def __str__(self) -> str:
        """A line on the machine, then one per promise."""
        machine = f"sandbox {self.layers} on {self.operating_system}, {self.architecture}, uid {self.uid}"
        return "\n".join([machine, *map(str, self.properties)])


def probe_machine() -> SandboxReport:
    """The report for this machine and user; takes about a millisecond and changes nothing."""
    linux = platform.system() == "Linux"
    abi = landlock.abi_version() if linux else 0
    filters = linux and seccomp.available()
    layers = _layers(linux, abi, filters)
    return SandboxReport(
        properties=properties_of(layers),
        layers=layers,
        operating_system=f"{platform.system()} {platform.release()}",
        architecture=platform.machine(),
        landlock_abi=abi,
        seccomp=filters,
        user_namespaces=linux and _user_namespaces(),
        uid=os.getuid() if linux else 0,
        bubblewrap=shutil.which("bwrap") is not None,
        container_engines=tuple(name for name in ENGINES if shutil.which(name)),
    )


def properties_of(layers: str) -> tuple[PropertyReport, ...]:
    """The promises that a sandbox of these layers keeps; also for ``environment.sandbox`` of a stored evaluation."""
    names = layers.split("+")
    abi = max((int(name.removeprefix("landlock")) for name in names if name.startswith("landlock")), default=0)
    return tuple(_report(promise, "rlimit" in names, abi, "seccomp" in names) for promise in Property)


def _report(promise: Property, linux: bool, abi: int, filters: bool) -> PropertyReport:
    layer, remedy = _keeper(promise, abi, filters) if linux else ("", _CONTAINER)
    return PropertyReport(label=promise.label, promise=promise, layer=layer, remedy="" if layer else remedy)


def _keeper(promise: Property, abi: int, filters: bool) -> tuple[str, str]:
    """The layer that keeps a promise on Linux, and the remedy if it is missing."""
    match promise:
        case Property.CLEAN_START:
            return "zygote", ""
        case Property.TIME:
            return "watchdog+rlimit", ""
        case Property.MEMORY:
            return "rlimit", ""
        case Property.READING:
            return f"landlock{abi}" if abi else "", _NEWER_KERNEL
        case Property.WRITING:
            return f"landlock{abi}+seccomp" if abi and filters else "", _FILTERS if abi else _NEWER_KERNEL
        case Property.PROCESSES | Property.NETWORK | Property.OTHER_PROCESSES:
            return "seccomp" if filters else "", _FILTERS


def _layers(linux: bool, abi: int, filters: bool) -> str:
    offered = {"rlimit": linux, "seccomp": filters, f"landlock{abi}": abi > 0, "unsafe": not (abi and filters)}
    return "+".join(name for name, found in offered.items() if found)


def _user_namespaces() -> bool:
    """Whether this user may make them: root always may, others where neither a limit nor AppArmor forbids it."""
    if os.geteuid() == 0:
        return True
    limit = _kernel_setting("user/max_user_namespaces", missing=0)
    return limit > 0 and _kernel_setting("kernel/apparmor_restrict_unprivileged_userns", missing=0) == 0


def _kernel_setting(name: str, missing: int) -> int:
    try:
        return int(Path("/proc/sys", name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return missing
