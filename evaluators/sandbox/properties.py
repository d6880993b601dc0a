"""What the sandbox promises, whichever layers keep the promise. All of it is required."""

from __future__ import annotations

from enum import StrEnum


class Property(StrEnum):
    """One promise; the value is what a user reads when it cannot be kept."""

    CLEAN_START = "programs see none of the harness's environment variables and open files"
    TIME = "a program that runs too long is killed"
    MEMORY = "a program that takes too much memory is stopped"
    PROCESSES = "programs cannot start processes or threads, run other programs, or send signals"
    READING = "programs read only the standard library and their task's libraries"
    WRITING = "programs change no file"
    NETWORK = "programs reach no network"
    OTHER_PROCESSES = "programs cannot look into other processes"

    @property
    def label(self) -> str:
        """``P1`` to ``P8``, as in the documentation."""
        return f"P{list(Property).index(self) + 1}"
