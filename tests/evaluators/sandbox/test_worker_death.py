from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.hostile.processes import descendants

WORKER = """
import os, sys
from evaluators.contract import Limits
from evaluators.sandbox.client import Sandbox
from tests.hostile.processes import descendants

with Sandbox(["numpy"]) as sandbox:
    limits = Limits(wall_s=600, cpu_s=600, call_wall_s=600)
    with sandbox.candidate("def loop():\\n    while True:\\n        pass", limits) as candidate:
        print("looping", flush=True)
        candidate.function("loop", [], ())
"""
ROOT = Path(__file__).resolve().parents[3]


def test_killed_worker_leaves_neither_zygote_nor_looping_child() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"looping\n"
    processes = descendants(worker.pid)
    assert len(processes) == 2
    wait_until_one_loops(processes)
    pidfds = [os.pidfd_open(pid) for pid in processes]

    worker.send_signal(signal.SIGKILL)

    for pidfd in pidfds:
        assert select.select([pidfd], [], [], 30)[0], "a process outlived its worker"
        os.close(pidfd)
    worker.stdout.close()
    worker.wait()


def wait_until_one_loops(processes: set[int]) -> None:
    """Until one of them has used a tenth of a second more than it had."""
    start = {pid: cpu_s(pid) for pid in processes}
    while all(cpu_s(pid) < start[pid] + 0.1 for pid in processes):
        os.sched_yield()


def cpu_s(pid: int) -> float:
    return time.clock_gettime((~pid << 3) | 2)
