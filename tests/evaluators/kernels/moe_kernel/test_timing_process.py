"""The worker outlives the process that holds the GPU: what it says, and how it may end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.kernels.moe_kernel.assemble import Machine
from evaluators.kernels.moe_kernel.orders import Finding, Order
from evaluators.kernels.moe_kernel.stages import Load
from evaluators.kernels.moe_kernel.timing_process import TimingProcess
from evaluators.kernels.shapes import LayerShape, Stage
from tests.evaluators.kernels.moe_kernel.ptx_texts import a_plan

ROOT = Path(__file__).parents[4]
SHAPE = LayerShape(tokens=24, width=64, experts=8, top_k=2, expert_width=16)
ORDER = Order(stage=Stage.COMBINE, shape=SHAPE, load=Load.EVEN, seed=3, timed=True)
MACHINE = Machine(cubin=b"\x7fELF", registers=8, spill_bytes=0)
STAND_IN = """
import os, sys
sys.path.insert(0, {root!r})
import fcntl, json, struct
def send(message):
    text = json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(text)) + text); sys.stdout.buffer.flush()
def receive():
    prefix = sys.stdin.buffer.read(4)
    return json.loads(sys.stdin.buffer.read(struct.unpack("<I", prefix)[0])) if prefix else sys.exit()
{does}
"""
READY = "send({'device': 'a GPU', 'error': ''})\n"


@pytest.fixture
def processes() -> Iterator[list[TimingProcess]]:
    made: list[TimingProcess] = []
    yield made
    for process in made:
        process.close()


def started(processes: list[TimingProcess], does: str, timeout_s: float = 30.0) -> TimingProcess:
    command = [sys.executable, "-S", "-c", STAND_IN.format(root=str(ROOT), does=does)]
    processes.append(TimingProcess(command, order_timeout_s=timeout_s))
    return processes[0]


def failure(process: TimingProcess) -> CandidateFailure:
    with pytest.raises(CandidateFailure) as failed:
        process.try_out(ORDER, a_plan(), [MACHINE])
    return failed.value


def test_orders_go_there_and_findings_come_back(processes: list[TimingProcess]) -> None:
    does = READY + "while True: send({'error': 1e-3, 'program_us': float(receive()['order']['seed'])})"
    process = started(processes, does)
    for _ in range(2):
        assert process.try_out(ORDER, a_plan(), [MACHINE]) == Finding(error=1e-3, program_us=3.0)


def test_it_is_given_none_of_the_workers_variables(
    processes: list[TimingProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "secret")
    process = started(processes, READY + "receive(); send({'fault': ','.join(os.environ)})")
    assert "SOME_API_KEY" not in process.try_out(ORDER, a_plan(), [MACHINE]).fault


def test_kernels_that_hang_are_timed_out_and_the_next_order_finds_a_new_process(
    processes: list[TimingProcess],
) -> None:
    process = started(processes, READY + "receive()\nsys.stdin.buffer.read()", timeout_s=0.2)
    assert failure(process).outcome is Outcome.TIMED_OUT
    assert failure(process).outcome is Outcome.TIMED_OUT


def test_kernels_that_end_the_process_have_crashed(processes: list[TimingProcess]) -> None:
    assert failure(started(processes, READY + "receive(); os._exit(1)")).outcome is Outcome.CRASHED


def test_a_gpu_that_cannot_be_used_is_the_machines_fault(processes: list[TimingProcess]) -> None:
    failed = failure(started(processes, "send({'device': '', 'error': 'no driver'})"))
    assert (failed.outcome, failed.detail) == (Outcome.INFRASTRUCTURE, "the GPU cannot be used: no driver")


def test_a_process_that_ends_after_a_failed_kernel_is_not_the_next_programs_fault(
    processes: list[TimingProcess],
) -> None:
    process = started(processes, READY + "receive(); send({'fault': 'illegal address', 'last': True})")
    for _ in range(2):
        assert process.try_out(ORDER, a_plan(), [MACHINE]).fault == "illegal address"


def test_one_worker_at_a_time_has_the_gpu(processes: list[TimingProcess], tmp_path: Path) -> None:
    lock = tmp_path / "gpu.lock"
    does = (
        READY
        + f"""
receive()
try:
    fcntl.flock(os.open({str(lock)!r}, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
    send({{'fault': 'free'}})
except BlockingIOError:
    send({{'fault': 'taken'}})
"""
    )
    command = [sys.executable, "-S", "-c", STAND_IN.format(root=str(ROOT), does=does)]
    processes.append(TimingProcess(command, lock=lock))
    assert processes[0].try_out(ORDER, a_plan(), [MACHINE]).fault == "taken"
    processes.append(TimingProcess(command, lock=lock))
    assert processes[1].try_out(ORDER, a_plan(), [MACHINE]).fault == "taken"
