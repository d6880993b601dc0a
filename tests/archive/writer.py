"""Run as a process by `test_processes`: ``writer.py URL [RUN COUNT]``."""

from __future__ import annotations

import sys

from archive.store import Archive
from tests.archive.samples import a_candidate, an_attempt, an_evaluation, finish


def main(url: str, run_id: str = "", count: str = "0") -> None:
    """Writes the hold-out secret, or makes `count` attempts and writes the index of each that is committed."""
    with Archive.open(url) as archive:
        if not run_id:
            sys.stdout.write(f"{archive.holdout_secret()}\n")
        for index in range(int(count)):
            finish(archive, an_attempt(index, run_id), a_candidate(index + 1), an_evaluation())
            sys.stdout.write(f"{index}\n")
            sys.stdout.flush()


main(*sys.argv[1:])
