"""The worker's handle on its zygote: start it, have it fork and reap, kill it when it misbehaves."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluators.contract import ContractError, Limits
from evaluators.jsonable import from_json
from evaluators.sandbox.errors import SandboxError
from evaluators.sandbox.launch import Launcher, Native
from evaluators.sandbox.zygote import MAX_MESSAGE_BYTES, REAP, REAPED, SPAWN, SPAWNED

START_TIMEOUT_S = 180.0  # importing torch from a cold disk
ANSWER_TIMEOUT_S = 10.0
_ROOT = str(Path(__file__).resolve().parents[2])
_BOOTSTRAP = (
    "import sys; root = sys.argv.pop(); sys.path.insert(0, root); import evaluators.sandbox.zygote as zygote; "
    "sys.path.remove(root); zygote.main()"
)
# -s -P is what -I means beside ignoring PYTHON* variables, of which only ours exist.
_COMMAND = (sys.executable, "-s", "-P", "-B", "-c", _BOOTSTRAP)
# Nothing is inherited. One hash seed for all, so that a program's sets iterate alike in every run.
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
    "TMPDIR": "/nonexistent",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "TORCHINDUCTOR_CACHE_DIR": "/",  # torch's optimizers want a folder that exists; they write nothing into it
}
_PASSED_ON = ("LD_LIBRARY_PATH",)  # where the interpreter's own libraries lie, on machines with environment modules


class ZygoteError(SandboxError):
    """The zygote died, stalled or answered nonsense; a new one is needed."""


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A forked child and our ends of its pipes."""

    pid: int
    zygote_pid: int  # its number where the zygote lives
    pidfd: int
    requests: int
    replies: int
    output: int

    def close(self) -> None:
        """Close our descriptors; call once."""
        for fd in (self.pidfd, self.requests, self.replies, self.output):
            os.close(fd)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended, from the kernel."""

    wait_status: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class _Hello:
    layers: tuple[str, ...] = ()
    resident_bytes: int = 0
    import_error: str = ""


class ZygoteProcess:
    """One running zygote.

    The kernel kills it when the THREAD that created this object ends: create it in a thread that lives on.
    """

    def __init__(self, libraries: Sequence[str], disabled: Sequence[str], launcher: Launcher | None = None) -> None:
        launcher = launcher or Native()
        self._own_process_numbers = launcher.own_process_numbers
        parent = 0 if launcher.own_process_numbers else os.getpid()
        settings = json.dumps({"libraries": list(libraries), "disabled": list(disabled)})
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                launcher.command([*_COMMAND, str(theirs.fileno()), str(parent), settings, _ROOT]),
                env=_ENVIRONMENT | {name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        hello = self._hello()
        self.layers = (*launcher.layers, *hello.layers)
        self.resident_bytes = hello.resident_bytes

    def spawn(self, limits: Limits) -> ChildProcess:
        """Fork a child; it confines itself and then waits for the program.

        Raises:
            ZygoteError: No answer, or not the expected one.
        """
        (request_end, requests), (replies, reply_end), (output, output_end) = os.pipe(), os.pipe(), os.pipe()
        try:
            message = SPAWN.pack(b"S", limits.memory_bytes, int(limits.cpu_s) + 2)
            zygote_pid, pidfd = self._ask_for_child(message, [request_end, reply_end, output_end])
        except ZygoteError:
            for fd in (requests, replies, output):
                os.close(fd)
            raise
        finally:
            for fd in (request_end, reply_end, output_end):
                os.close(fd)
        os.set_blocking(output, False)
        pid = _process_number(pidfd) if self._own_process_numbers else zygote_pid
        return ChildProcess(pid, zygote_pid, pidfd, requests, replies, output)

    def reap(self, pid: int) -> Ending:
        """How the child that the zygote knows as `pid` ended; it must be dead or dying.

        Raises:
            ZygoteError: No answer, or not the expected one.
        """
        answer, _ = self._ask(REAP.pack(b"R", pid), [])
        if len(answer) != REAPED.size or answer[:1] != b"W":
            raise self._failure(f"expected how child {pid} ended, found {answer[:40]!r}")
        return Ending(*REAPED.unpack(answer)[1:])

    def kill(self) -> None:
        """Kill the zygote, and by that all its children."""
        self._control.close()
        self._process.kill()
        self._process.wait()

    def _ask_for_child(self, message: bytes, fds: Sequence[int]) -> tuple[int, int]:
        answer, received = self._ask(message, fds)
        if len(answer) != SPAWNED.size or answer[:1] != b"P" or len(received) != 1:
            raise self._failure(f"expected a forked child, found {answer[:40]!r}")
        return SPAWNED.unpack(answer)[1], received[0]

    def _ask(self, message: bytes, fds: Sequence[int]) -> tuple[bytes, list[int]]:
        try:
            socket.send_fds(self._control, [message], fds)
            self._await_answer(ANSWER_TIMEOUT_S)
            answer, received, _, _ = socket.recv_fds(self._control, MAX_MESSAGE_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise self._failure(str(error)) from error
        return answer, received

    def _await_answer(self, timeout_s: float) -> None:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        if not poll.poll(timeout_s * 1e3):
            raise self._failure(f"no answer within {timeout_s:g} s")

    def _hello(self) -> _Hello:
        self._await_answer(START_TIMEOUT_S)
        try:
            hello = from_json(_Hello, json.loads(self._control.recv(MAX_MESSAGE_BYTES)))
        except (OSError, ValueError, ContractError) as error:
            raise self._failure("it ended while starting; its own error is on stderr") from error
        if hello.import_error:
            self.kill()
            remedy = "; `pip install 'evenkeel[torch]'` brings it" if "'torch'" in hello.import_error else ""
            raise SandboxError(f"the sandbox cannot load the task's libraries: {hello.import_error}{remedy}")
        return hello

    def _failure(self, text: str) -> ZygoteError:
        self.kill()
        return ZygoteError(f"the sandbox's zygote failed: {text}")


def _process_number(pidfd: int) -> int:
    """The number by which we know a process; -1 once it is reaped."""
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pid:"))
