"""Landlock: files a child may read, and nothing else of the file system, the network or other processes."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable

from evaluators.sandbox.kernel import system_call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_LOG_NOTHING = 1  # LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF, from ABI 7: a program must not flood the audit log

READ_FILE = 1 << 2
READ_DIRECTORY = 1 << 3
WRITE_FILE = 1 << 1
# By ABI: how many file rights exist (execute ... make_sym, refer, truncate, ioctl_dev).
_NUM_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_TCP_RIGHTS = 0b11  # bind, connect: ABI 4
_SCOPES = 0b11  # abstract unix sockets, signals: ABI 6


def abi_version() -> int:
    """The kernel's Landlock ABI; 0 where there is none."""
    try:
        return system_call(_CREATE_RULESET, 0, 0, _VERSION_FLAG)
    except OSError:
        return 0


class Ruleset:
    """A set of rules held by the kernel; made once, put on by every child with one system call."""

    def __init__(self, abi: int) -> None:
        self._flags = _LOG_NOTHING if abi >= 7 else 0
        file_rights = (1 << _NUM_FILE_RIGHTS[min(abi, 5)]) - 1
        attributes = struct.pack("<Q", file_rights)
        if abi >= 4:
            attributes += struct.pack("<Q", _TCP_RIGHTS)
        if abi >= 6:
            attributes += struct.pack("<Q", _SCOPES)
        self._fd = system_call(_CREATE_RULESET, attributes, len(attributes), 0)

    def allow_reading(self, paths: Iterable[str]) -> None:
        """Let children read these files, and everything below these directories; missing paths are passed over."""
        for path in paths:
            self._allow(path, READ_FILE, READ_DIRECTORY)

    def allow_listing(self, directories: Iterable[str]) -> None:
        """Let children see the names in these directories, and in those below."""
        for path in directories:
            self._allow(path, 0, READ_DIRECTORY)

    def allow_writing_device(self, path: str) -> None:
        """Let children open one device file for writing as well."""
        self._allow(path, READ_FILE | WRITE_FILE, 0)

    def restrict_self(self) -> None:
        """Confine the calling process for good; needs no_new_privs.

        Raises:
            OSError: The kernel refuses.
        """
        system_call(_RESTRICT_SELF, self._fd, self._flags)

    def _allow(self, path: str, rights: int, rights_of_directory: int) -> None:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                rights |= rights_of_directory
            system_call(_ADD_RULE, self._fd, _PATH_BENEATH, struct.pack("<Qi", rights, fd), 0)
        finally:
            os.close(fd)
