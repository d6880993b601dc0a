"""Brings files into the kernel's page cache, so that which of their pages are there tells nothing.

A program may read hundreds of megabytes that nobody else reads. A page that it was the first to read stays in memory
after it, and the next program that reads it is faster: a bit that outlives the child. Where all pages are there before
any program runs, there is nothing to write. The same for times of last access, which the kernel updates once a day.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable, Iterator

from evaluators.sandbox.kernel import system_call

_CACHESTAT = 451  # the same on every architecture; Linux 6.5
_WHOLE_FILE = struct.pack("<QQ", 0, 0)
_PIECE_BYTES = 64 << 10  # reading so much costs less than asking whether it is there
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def fill(paths: Iterable[str]) -> None:
    """Read what is not in memory of these files, and of all files below these folders.

    What cannot be opened or read is passed over: no program can read it either.
    """
    buffer = bytearray(_PIECE_BYTES)
    for path in paths:
        for file in _files_below(path):
            with contextlib.suppress(OSError):
                fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    _read(fd, buffer)
                finally:
                    os.close(fd)


def list_below(folders: Iterable[str]) -> None:
    """List these folders and all below them: that counts as access to a folder, and what it holds is in memory then."""
    for folder in folders:
        for _ in _files_below(folder):
            pass


def mapped_files() -> list[str]:
    """The files that this process has mapped: the interpreter and its libraries, which its forks can touch as well."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        names = [line.split(maxsplit=5)[5].rstrip("\n") for line in maps if "/" in line]
    return [name for name in dict.fromkeys(names) if os.path.isfile(name)]


def _files_below(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files_below(entry.path)
                elif entry.is_file():
                    yield entry.path
    except OSError:
        return


def _read(fd: int, buffer: bytearray) -> None:
    start = os.preadv(fd, [buffer], 0)  # also where all is cached: it counts as access
    if start < len(buffer) or _is_cached(fd):
        return
    while num_bytes := os.preadv(fd, [buffer], start):
        start += num_bytes


def _is_cached(fd: int) -> bool:
    """Whether all pages are in memory; False where the kernel cannot say."""
    counts = ctypes.create_string_buffer(40)  # cached, dirty, being written, evicted, recently evicted
    try:
        system_call(_CACHESTAT, fd, _WHOLE_FILE, counts, 0)
    except OSError:
        return False
    return int(struct.unpack_from("<Q", counts.raw)[0]) >= -(-os.fstat(fd).st_size // _PAGE_BYTES)
