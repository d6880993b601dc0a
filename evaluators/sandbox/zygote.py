"""The zygote: a single-threaded process with the libraries loaded, which forks one child per candidate on request.

It is started with an environment built from scratch and never sees a seed, a key or a workload. It runs no candidate
code and decides no outcome; whoever started it may kill it at any time.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import socket
import struct
import sys
import tempfile
from collections.abc import Sequence
from typing import NoReturn

from evaluators.sandbox import child, layers, page_cache
from evaluators.sandbox.frames import FailureClass, FrameKind, pack_error, pack_frame, write_all
from evaluators.sandbox.readable import listable_paths, readable_paths

SPAWN = struct.Struct("<cQQ")  # b"S", memory_bytes, cpu_s; three file descriptors travel with it
REAP = struct.Struct("<ci")  # b"R", pid
SPAWNED = struct.Struct("<ci")  # b"P", pid; its pidfd travels with it
REAPED = struct.Struct("<cid")  # b"W", wait status, CPU seconds
MAX_MESSAGE_BYTES = 4096
# What `import name` alone would leave for each child to load again.
SUBMODULES = {
    "numpy": ("numpy.random", "numpy.linalg", "numpy.fft"),
    "scipy": ("scipy.optimize", "scipy.sparse", "scipy.sparse.csgraph", "scipy.special"),
    "torch": ("torch", "torch.nn.functional"),
    "triton": ("triton.language", "triton.compiler", "triton.experimental.gluon.language"),
}
STANDARD_LIBRARY = (
    *("abc", "array", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal"),
    *("enum", "fractions", "functools", "hashlib", "heapq", "inspect", "io", "itertools", "json", "logging", "math"),
    *("numbers", "operator", "queue", "random", "re", "statistics", "string", "textwrap", "threading", "time"),
    *("traceback", "types", "typing", "unicodedata", "warnings"),
)


def main() -> None:
    """Load, prepare, then serve the control socket (file descriptor and parent's pid are in argv) until it closes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    parent, settings = int(sys.argv[2]) or os.getppid(), json.loads(sys.argv[3])  # 0: in a process namespace of its own
    layers.die_with_parent(parent)
    os.environ.pop("PWD", None)  # set by bubblewrap
    try:
        _import_all(settings["libraries"])
    except ImportError as error:
        control.send(json.dumps({"import_error": str(error)[:500]}).encode())
        return
    readable, listable = readable_paths(settings["libraries"]), listable_paths(settings["libraries"])
    page_cache.fill([*readable, *page_cache.mapped_files()])
    page_cache.list_below(listable)
    prepared = layers.prepare(readable, settings["disabled"], listable)
    _, resident = layers.memory_pages()
    gc.collect()
    gc.freeze()
    hello = {"layers": prepared.names, "resident_bytes": resident * resource.getpagesize()}
    control.send(json.dumps(hello).encode())
    while _serve_one(control, prepared):
        pass


def _import_all(libraries: Sequence[str]) -> None:
    tempfile.tempdir = os.environ["TMPDIR"]  # libraries ask for it when imported; looking for one would fail
    for name in STANDARD_LIBRARY:
        importlib.import_module(name)
    for library in libraries:
        for name in (library, *SUBMODULES.get(library, ())):
            importlib.import_module(name)


def _serve_one(control: socket.socket, prepared: layers.Layers) -> bool:
    message, fds, _, _ = socket.recv_fds(control, MAX_MESSAGE_BYTES, 3)
    if message[:1] == b"S":
        _spawn(control, prepared, message, fds)
    elif message[:1] == b"R":
        _reap(control, REAP.unpack(message)[1])
    return bool(message)


def _spawn(control: socket.socket, prepared: layers.Layers, message: bytes, fds: list[int]) -> None:
    _, memory_bytes, cpu_s = SPAWN.unpack(message)
    zygote = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_child(zygote, prepared, memory_bytes, cpu_s, fds)
    pidfd = os.pidfd_open(pid)
    socket.send_fds(control, [SPAWNED.pack(b"P", pid)], [pidfd])
    for fd in (*fds, pidfd):
        os.close(fd)


def _become_child(zygote: int, prepared: layers.Layers, memory_bytes: int, cpu_s: int, fds: Sequence[int]) -> NoReturn:
    try:
        prepared.put_on(zygote, memory_bytes, cpu_s, fds)
    except OSError as error:
        text = pack_error(FailureClass.SETUP, f"the child could not confine itself: {error}")
        write_all(fds[1], pack_frame(FrameKind.ERROR, 0, 0, text))
    else:
        child.serve()
    finally:
        os._exit(1)  # never back into the zygote's loop


def _reap(control: socket.socket, pid: int) -> None:
    _, status, usage = os.wait4(pid, 0)
    control.send(REAPED.pack(b"W", status, usage.ru_utime + usage.ru_stime))
