"""The program of the self-test: each function tries one thing that the sandbox must refuse. Runs inside it only."""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import os
import resource
import socket

KNOWN_VARIABLES = {"LC_ALL", "LC_CTYPE", "HOME", "TMPDIR", "PYTHONHASHSEED", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
KNOWN_VARIABLES |= {"MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LD_LIBRARY_PATH", "TORCHINDUCTOR_CACHE_DIR"}


def loop(*_: object) -> None:
    """Never return."""
    while True:
        pass


def read_environment(_: str) -> bool:
    """Find a variable that the harness did not set for us."""
    return not KNOWN_VARIABLES.issuperset(os.environ)


def use_open_files(_: str) -> bool:
    """Find a file descriptor beside the five fixed ones."""
    for fd in range(5, 1024):
        with contextlib.suppress(OSError):
            os.fstat(fd)
            return True
    return False


def allocate(_: str) -> bool:
    """Take more memory than allowed."""
    with contextlib.suppress(MemoryError):
        return len(bytearray(1 << 30)) > 0
    return False


def raise_memory_limit(_: str) -> bool:
    """Lift the limit instead."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return True
    return False


def fork(_: str) -> bool:
    """Start a process."""
    with contextlib.suppress(OSError):
        if os.fork() == 0:
            os._exit(0)
        return True
    return False


def execute(_: str) -> bool:
    """Become another program."""
    with contextlib.suppress(OSError):
        os.execv("/bin/true", ["true"])
    return False


def start_thread(_: str) -> bool:
    """Work beside the call."""
    with contextlib.suppress(RuntimeError):
        _thread.start_new_thread(list, ())
        return True
    return False


def signal_parent(_: str) -> bool:
    """Reach the zygote with a signal."""
    with contextlib.suppress(OSError):
        os.kill(os.getppid(), 0)
        return True
    return False


def read_secret(secret: str) -> bool:
    """Read a file that every user may read."""
    with contextlib.suppress(OSError), open(secret, encoding="ascii") as file:
        return bool(file.read())
    return False


def list_folder(secret: str) -> bool:
    """Learn the names in a folder."""
    with contextlib.suppress(OSError):
        return bool(os.listdir(os.path.dirname(secret)))
    return False


def write_file(secret: str) -> bool:
    """Change a file, or make one in a folder, where every user may."""
    for path in (secret, os.path.join(os.path.dirname(secret), "note")):
        with contextlib.suppress(OSError), open(path, "a", encoding="ascii") as file:
            file.write("x")
            return True
    return False


def change_mode(secret: str) -> bool:
    """Change who may use a file."""
    with contextlib.suppress(OSError):
        os.chmod(secret, 0o600)
        return True
    return False


def open_socket(_: str) -> bool:
    """Open any kind of socket."""
    for family, kind in (
        (socket.AF_INET, socket.SOCK_STREAM),
        (socket.AF_INET, socket.SOCK_DGRAM),
        (socket.AF_UNIX, 1),
    ):
        with contextlib.suppress(OSError):
            socket.socket(family, kind).close()
            return True
    return False


def read_parent_memory(_: str) -> bool:
    """Reach into the zygote's memory; an address that is not mapped there is reached as well."""
    place = (ctypes.c_size_t * 2)(4096, 8)
    libc = ctypes.CDLL(None, use_errno=True)
    num_bytes = libc.process_vm_readv(
        os.getppid(), place, ctypes.c_ulong(1), place, ctypes.c_ulong(1), ctypes.c_ulong(0)
    )
    return num_bytes >= 0 or ctypes.get_errno() == 14


def read_parent_environment(_: str) -> bool:
    """Read the zygote's environment where the kernel shows it."""
    with contextlib.suppress(OSError), open(f"/proc/{os.getppid()}/environ", "rb") as file:
        file.read()
        return True
    return False
