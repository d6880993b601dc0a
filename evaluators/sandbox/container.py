"""A worker in a container, for machines whose own kernel cannot confine a child (macOS, Windows, old Linux).

The container is the outer wall: no network, a root that cannot be written, limits of memory, processes and CPU, no
capabilities. Inside it the worker starts the same sandbox as anywhere and refuses if the container's kernel lacks a
layer; the worker's secrets come over its input pipe and lie in no file of the image.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.contract import Limits
from evaluators.sandbox.errors import SandboxError

ENGINES = ("podman", "docker")
WORKER = ("python", "-m", "evaluators.worker")
_WORKER_BYTES = 2 << 30  # workloads, libraries and the zygote, beside what one child may take
_ENGINE_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """How a worker is started in a container."""

    engine: str  # a program that speaks docker's command line
    image: str  # has this package installed, at this revision
    memory_bytes: int
    cpus: float = 1.0
    processes: int = 16  # worker with its threads, zygote, child
    runtime: str = ""  # such as runsc, for a kernel of its own

    def command(self, worker: Sequence[str] = WORKER) -> list[str]:
        """The command that runs `worker` with our pipes as its input and output, and removes the container after."""
        walls = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        walls += ["--user", "65534:65534", "--ipc", "private", "--tmpfs", "/tmp:size=16m,nr_inodes=256,noexec"]
        limits = ["--memory", str(self.memory_bytes), "--memory-swap", str(self.memory_bytes)]
        limits += ["--pids-limit", str(self.processes), "--cpus", f"{self.cpus:g}"]
        runtime = ["--runtime", self.runtime] if self.runtime else []
        return [self.engine, "run", "--rm", "--interactive", *walls, *limits, *runtime, self.image, *worker]


def container_for(limits: Limits, image: str, engine: str | None = None) -> Container:
    """A container with room for one worker and one child of these limits.

    Raises:
        SandboxError: No engine is installed, or none answers.
    """
    return Container(engine=engine or working_engine(), image=image, memory_bytes=_WORKER_BYTES + limits.memory_bytes)


def working_engine() -> str:
    """The first engine that is installed and answers.

    Raises:
        SandboxError: There is none.
    """
    installed = [path for name in ENGINES if (path := shutil.which(name))]
    for path in installed:
        if _answers(path):
            return path
    found = f"{', '.join(installed)} cannot reach an engine" if installed else "none of them is installed"
    raise SandboxError(f"expected a container engine ({' or '.join(ENGINES)}), but {found}")


def _answers(path: str) -> bool:
    try:
        done = subprocess.run([path, "info"], capture_output=True, timeout=_ENGINE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
