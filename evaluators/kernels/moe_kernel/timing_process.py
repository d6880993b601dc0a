"""The worker's handle on the process that holds the GPU: it can be killed, and a new one started, at any time.

A kernel may hang, or fail and take its context with it; the worker lives on. The process is trusted: it runs our code,
with an environment of a few named variables, and no Python of any program.
"""

from __future__ import annotations

import base64
import fcntl
import io
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evaluators.candidate import CandidateFailure
from evaluators.contract import ContractError, Outcome
from evaluators.kernels.moe_kernel.assemble import Machine
from evaluators.kernels.moe_kernel.orders import Finding, Order
from evaluators.kernels.moe_kernel.plans import Plan
from evaluators.protocol import PREFIX, body_length, decode, encode
from evaluators.sandbox.frames import PipeClosedError, write_all

START_TIMEOUT_S = 300.0  # torch from a cold disk, and the ceilings
ORDER_TIMEOUT_S = 60.0
_ROOT = str(Path(__file__).resolve().parents[3])
_BOOTSTRAP = (
    "import sys; sys.path.insert(0, sys.argv.pop()); from evaluators.kernels.moe_kernel import device; device.main()"
)
COMMAND = (sys.executable, "-s", "-P", "-c", _BOOTSTRAP, _ROOT)
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The process's first words."""

    device: str = ""  # the GPU's name
    error: str = ""  # one sentence; then the process ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One order and the compiled program for it."""

    order: Order
    plan: Plan
    cubins: tuple[str, ...]  # base64, one for each kernel of the plan


class TimingProcess:
    """Starts the process when it is first needed, and has the GPU for itself while it is asked."""

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        order_timeout_s: float = ORDER_TIMEOUT_S,
        lock: Path | None = None,
    ) -> None:
        self._command = tuple(command)
        self._lock = lock or Path(tempfile.gettempdir()) / f"evenkeel-gpu-{os.getuid()}.lock"
        self._order_timeout_s = order_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    def try_out(self, order: Order, plan: Plan, machines: Sequence[Machine]) -> Finding:
        """What came of the order.

        Raises:
            CandidateFailure: The kernels hang (`TIMED_OUT`) or end the process (`CRASHED`), or there is no process to
                be had (`INFRASTRUCTURE`).
        """
        with self._alone():
            return self._tried_out(order, plan, machines)

    def close(self) -> None:
        """Kill the process, if there is one."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the GPU against the other workers of this user: one that runs beside another is timed wrongly."""
        descriptor = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _tried_out(self, order: Order, plan: Plan, machines: Sequence[Machine]) -> Finding:
        process = self._started()
        cubins = tuple(base64.b64encode(machine.cubin).decode("ascii") for machine in machines)
        try:
            write_all(_pipe(process.stdin).fileno(), encode(Request(order=order, plan=plan, cubins=cubins)))
            finding = decode(Finding, self._receive(process, self._order_timeout_s))
        except TimeoutError:
            self.close()
            detail = f"the kernels did not end within {self._order_timeout_s:g} s"
            raise CandidateFailure(Outcome.TIMED_OUT, detail) from None
        except (OSError, EOFError, ContractError, PipeClosedError):
            self.close()
            raise CandidateFailure(Outcome.CRASHED, "the kernels ended the process that held the GPU") from None
        if finding.last:
            self.close()
        return finding

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._process = subprocess.Popen(
            self._command,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        try:
            ready = decode(Ready, self._receive(self._process, START_TIMEOUT_S))
        except (TimeoutError, OSError, EOFError, ContractError) as error:
            ready = Ready(error=f"it ended while starting ({type(error).__name__})")
        if ready.error:
            self.close()
            raise CandidateFailure(Outcome.INFRASTRUCTURE, f"the GPU cannot be used: {ready.error}")
        return self._process

    def _receive(self, process: subprocess.Popen[bytes], timeout_s: float) -> bytes:
        """One message.

        Raises:
            TimeoutError: None came in time.
            EOFError: The process ended.
        """
        deadline_s = time.monotonic() + timeout_s
        length = body_length(_read(process, PREFIX.size, deadline_s))
        return _read(process, length, deadline_s)


def _read(process: subprocess.Popen[bytes], size: int, deadline_s: float) -> bytes:
    pipe = _pipe(process.stdout)
    data = b""
    while len(data) < size:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or not select.select([pipe], [], [], left_s)[0]:
            raise TimeoutError
        part = pipe.read(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _pipe(pipe: object) -> io.RawIOBase:
    if not isinstance(pipe, io.RawIOBase):
        raise EOFError
    return pipe
