"""How a zygote is started: as it is, or inside bubblewrap, which adds namespaces to what its children put on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from evaluators.sandbox.errors import SandboxError

CHOICE = "EVENKEEL_SANDBOX"  # environment variable: native, bubblewrap
_NAMESPACES = ("--unshare-user-try", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts")
_MOUNTS = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")


class Launcher(Protocol):
    """Wraps the command that starts a zygote; the control socket's descriptor must pass through."""

    @property
    def layers(self) -> tuple[str, ...]:
        """What it adds to the name of the sandbox."""

    @property
    def own_process_numbers(self) -> bool:
        """Whether the zygote knows its children by other process numbers than we do, and us by none."""

    def command(self, zygote: Sequence[str]) -> list[str]:
        """The command that starts the zygote."""


@dataclass(frozen=True, slots=True)
class Native:
    """The zygote is a plain child process; the default."""

    layers: tuple[str, ...] = ()
    own_process_numbers: bool = False

    def command(self, zygote: Sequence[str]) -> list[str]:
        """The zygote's own."""
        return list(zygote)


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """The zygote has its own process numbers, network, IPC and host name, and sees a file system that is read-only."""

    program: str
    layers: tuple[str, ...] = ("bubblewrap",)
    own_process_numbers: bool = True

    def command(self, zygote: Sequence[str]) -> list[str]:
        """bwrap's; it ends with us, and the zygote with it."""
        return [self.program, *_NAMESPACES, *_MOUNTS, "--die-with-parent", "--", *zygote]


def chosen() -> Launcher:
    """What the environment variable asks for; native without one.

    Raises:
        SandboxError: An unknown name, or bubblewrap is not installed.
    """
    name = os.environ.get(CHOICE, "native")
    if name == "native":
        return Native()
    if name != "bubblewrap":
        raise SandboxError(f"expected native or bubblewrap in {CHOICE}, found {name!r}")
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxError(f"{CHOICE} asks for bubblewrap, but there is no bwrap; install the package bubblewrap")
    return Bubblewrap(program)
