"""The process that runs the items: an item that fails takes it down, and the next one gets a fresh process and device.

A faulty kernel spoils the CUDA context of its process for good; so failures are not caught, they end the process, and
what it wrote last to its standard error is the item's error.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.gpu_scale import Scale

_LAST_LINES = 12
_LAST_CHARACTERS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to measure."""

    name: str
    seconds: float  # that it takes on an H200, generously; twice that long and it is stopped
    target: str  # "module:function", called with the scale and the arguments
    arguments: tuple[str, ...] = ()
    every_slice: bool = False  # quick, and needed anew on a machine that knows nothing of earlier slices
    needs_gpu: bool = True


class Worker:
    """One process at a time, started when it is needed."""

    def __init__(self, scale: Scale, errors: Path) -> None:
        self.scale = scale
        self._errors = errors
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def run(self, item: Item, timeout_s: float) -> Mapping[str, Any] | None:
        """The item's result; None where the process died or was stopped, see `last_words`.

        Raises:
            TimeoutError: It took longer than `timeout_s` and was stopped.
        """
        pipe = self._started()
        try:
            pipe.send(item)
        except (BrokenPipeError, ConnectionResetError):  # it died after its last item
            self.stop()
            pipe = self._started()
            pipe.send(item)
        if not pipe.poll(timeout_s):
            self.stop()
            raise TimeoutError(f"stopped after {timeout_s:.0f} s")
        try:
            result: Mapping[str, Any] = pipe.recv()
        except (EOFError, ConnectionResetError):
            self.stop()
            return None
        return result

    def last_words(self) -> str:
        """The end of what the process wrote to its standard error."""
        text = self._errors.read_text(encoding="utf-8", errors="replace") if self._errors.exists() else ""
        return "\n".join(text.splitlines()[-_LAST_LINES:])[-_LAST_CHARACTERS:]

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._process is not None and self._pipe is not None:
            pid = self._process.pid
            if pid is not None:
                with suppress(ProcessLookupError):  # no such group before `_serve` began
                    os.killpg(pid, signal.SIGKILL)  # and the processes that an item started, which may outlive it
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None

    def _started(self) -> Connection:
        if self._process is None or self._pipe is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._errors.unlink(missing_ok=True)
            self._process = context.Process(target=_serve, args=(theirs, self.scale, self._errors))
            self._process.start()
            theirs.close()
        return self._pipe


def _serve(pipe: Connection, scale: Scale, errors: Path) -> None:
    """Run items until the other end closes."""
    os.setpgid(0, 0)
    log = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 2)
    while True:
        try:
            item: Item = pipe.recv()
        except EOFError:
            return
        module, _, function = item.target.partition(":")
        os.write(2, f"--- {item.name}\n".encode())
        pipe.send(vars(import_module(module))[function](scale, *item.arguments))
