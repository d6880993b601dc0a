"""What a program may read is in memory before it runs: there is no page left of which it could be the first reader."""

from __future__ import annotations

import ctypes
import os
import struct
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from evaluators.candidate import ReplyField
from evaluators.contract import Limits
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.kernel import system_call
from evaluators.sandbox.page_cache import fill, list_below
from evaluators.sandbox.readable import readable_paths

CACHESTAT = 451
LARGE = Path(np.__file__).parent / "lib" / "_function_base_impl.py"  # more than is read of a file in any case


def cached_pages(path: Path) -> int:
    counts = ctypes.create_string_buffer(40)
    with path.open("rb") as file:
        try:
            system_call(CACHESTAT, file.fileno(), struct.pack("<QQ", 0, 0), counts, 0)
        except OSError:
            pytest.skip("this kernel cannot say which pages of a file are in memory")
    return int(struct.unpack_from("<Q", counts.raw)[0])


def drop(path: Path) -> None:
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if cached_pages(path):
        pytest.skip("this file system keeps its pages")


def num_pages(path: Path) -> int:
    return -(-path.stat().st_size // os.sysconf("SC_PAGE_SIZE"))


def test_a_sandbox_has_read_what_its_programs_may_read() -> None:
    drop(LARGE)
    with Sandbox(["numpy"]):
        assert cached_pages(LARGE) == num_pages(LARGE)


def test_folders_are_filled_with_all_below_them(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").write_bytes(os.urandom(1 << 20))
    (inner / "nowhere").symlink_to("missing")
    os.mkfifo(inner / "pipe")
    with (inner / "file").open("rb") as file:
        os.fsync(file.fileno())
    drop(inner / "file")

    fill([str(tmp_path), str(tmp_path / "missing")])

    assert cached_pages(inner / "file") == 256 * 4096 // os.sysconf("SC_PAGE_SIZE")


def test_folders_that_may_only_be_listed_are_listed_before(tmp_path: Path) -> None:
    """A folder remembers when it was listed, which `stat` shows: a program could leave that as a note."""
    inner = tmp_path / "tests" / "data"
    inner.mkdir(parents=True)
    for folder in (tmp_path, inner.parent, inner):
        os.utime(folder, (0, 0))

    list_below([str(tmp_path), str(tmp_path / "missing")])

    accessed = [folder.stat().st_atime for folder in (tmp_path, inner.parent, inner)]
    if not any(accessed):
        pytest.skip("this file system keeps no times of access")
    assert all(accessed)


LISTING = """
import os, numpy

def listed():
    folder = os.path.dirname(numpy.__file__) + "/tests"
    before = os.stat(folder).st_atime_ns
    os.listdir(folder)
    return os.stat(folder).st_atime_ns - before
"""


def test_a_program_leaves_no_time_of_access_at_folders() -> None:
    folder, limits = Path(np.__file__).parent / "tests", Limits(wall_s=30, cpu_s=20, call_wall_s=20)
    try:
        os.utime(folder, ns=(0, folder.stat().st_mtime_ns))
    except PermissionError:
        pytest.skip("somebody else's installation")
    with Sandbox(["numpy"]) as sandbox, sandbox.candidate(LISTING, limits) as candidate:
        assert candidate.function("listed", [], [ReplyField(name="n", dtype="int64", shape=())]).arrays["n"] == 0


def test_large_files_of_no_use_are_not_readable() -> None:
    readable = [Path(path) for path in readable_paths(["numpy"])]
    standard = Path(sysconfig.get_path("stdlib"))
    useless = [standard / "test", standard / "ensurepip", Path(np.__file__).parent / "tests"]
    for path in useless:
        assert not any(path.is_relative_to(allowed) for allowed in readable), path
    assert any(LARGE.is_relative_to(allowed) for allowed in readable)


HONEST = """
import os, shutil, sys, time

def read():
    fd = os.open(os.__file__, os.O_RDONLY)
    there = bytearray(4)
    os.preadv(fd, [there], 0)
    shutil.get_terminal_size()
    os.set_blocking(1, True)
    return len(there) * (time.process_time() >= 0) * (not sys.stdin.isatty()) * (sys.stdin.read() == "")
"""


def test_what_honest_programs_ask_the_kernel_for_still_passes() -> None:
    limits = Limits(wall_s=30, cpu_s=20, call_wall_s=20)
    with Sandbox(["numpy"]) as sandbox, sandbox.candidate(HONEST, limits) as candidate:
        assert candidate.function("read", [], [ReplyField(name="n", dtype="int64", shape=())]).arrays["n"] == 4
