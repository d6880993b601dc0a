from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure, ReplyField
from evaluators.contract import Limits, Outcome
from evaluators.sandbox import zygote_process
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.errors import SandboxError
from evaluators.sandbox.sandboxed_candidate import SandboxedCandidate
from tests.hostile.processes import descendants

LIMITS = Limits(wall_s=20.0, cpu_s=10.0, call_wall_s=10.0, memory_bytes=256 << 20)
SCALAR = (ReplyField(name="y", dtype="float64", shape=()),)
PROGRAM = """
import os, random, sys
from dataclasses import dataclass
import numpy as np

@dataclass
class Planner:
    scale: float

    def __post_init__(self):
        self.num_calls = 0

    def plan(self, loads, options):
        self.num_calls += 1
        return {"y": loads.sum() * self.scale + options["offset"], "calls": np.int16(self.num_calls)}

def double(x):
    return 2 * x

def fail(text):
    raise ValueError(text)

def order_of_set():
    return float(list({"a", "b", "c", "d"}).index("a"))

def say(text):
    print(text, file=sys.stderr)
    return 0.0

def loop():
    while True:
        pass

def lazy_import():
    import numpy.polynomial.chebyshev, xml.dom.minidom, numpy.testing
    return 1.0

def leave(status):
    os._exit(status)
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(["numpy"], allow_unsafe=True) as started:
        yield started


@pytest.fixture
def candidate(sandbox: Sandbox) -> Iterator[SandboxedCandidate]:
    with sandbox.candidate(PROGRAM, LIMITS) as loaded:
        yield loaded


def failure_of(call: Callable[[], object]) -> CandidateFailure:
    with pytest.raises(CandidateFailure) as caught:
        call()
    return caught.value


def load(sandbox: Sandbox, source: str) -> None:
    with sandbox.candidate(source, LIMITS):
        pass


# --- calls


def test_object_keeps_its_memory_between_calls(candidate: SandboxedCandidate) -> None:
    fields = (*SCALAR, ReplyField(name="calls", dtype="int16", shape=()))
    assert candidate.construct("Planner", 3.0) > 0

    replies = [candidate.method("plan", [np.ones(4), {"offset": i}], fields) for i in range(3)]

    assert [reply.arrays["y"].item() for reply in replies] == [12.0, 13.0, 14.0]
    assert [reply.arrays["calls"].item() for reply in replies] == [1, 2, 3]


def test_every_call_costs_cpu_time_and_the_sum_is_the_childs(candidate: SandboxedCandidate) -> None:
    costs = [candidate.function("double", [1.0], SCALAR).cpu_s for _ in range(5)]
    assert all(cost > 0 for cost in costs)
    assert sum(costs) <= candidate.cpu_s


def test_arrays_larger_than_a_pipe_cross_both_ways(candidate: SandboxedCandidate) -> None:
    array = np.random.default_rng(0).normal(size=(300, 1000))
    reply = candidate.function("double", [array], [ReplyField(name="y", dtype="float64", shape=array.shape)])
    np.testing.assert_array_equal(reply.arrays["y"], 2 * array)


def test_sets_iterate_alike_in_every_child_and_zygote(sandbox: Sandbox) -> None:
    orders = set()
    with Sandbox(["numpy"]) as other:
        for each in (sandbox, sandbox, other):
            with each.candidate(PROGRAM, LIMITS) as loaded:
                orders.add(loaded.function("order_of_set", [], SCALAR).arrays["y"].item())
    assert len(orders) == 1


def test_libraries_and_standard_library_load_lazily(candidate: SandboxedCandidate) -> None:
    assert candidate.function("lazy_import", [], SCALAR).arrays["y"] == 1.0


def test_library_of_the_task_can_be_imported() -> None:
    source = "import scipy.optimize, scipy.stats\ndef f():\n    return scipy.optimize.brentq(lambda x: x - 3, 0, 9)"
    with Sandbox.start(["scipy"], allow_unsafe=True) as sandbox, sandbox.candidate(source, LIMITS) as loaded:
        assert loaded.function("f", [], SCALAR).arrays["y"] == pytest.approx(3)


def test_printed_text_is_kept(candidate: SandboxedCandidate) -> None:
    candidate.function("say", ["hello"], SCALAR)
    assert candidate.stderr_tail() == "hello\n"


def test_tail_of_printed_text_is_short_and_outlives_the_child(sandbox: Sandbox) -> None:
    with sandbox.candidate(PROGRAM, LIMITS) as loaded:
        loaded.function("say", ["x" * 100_000 + "end"], SCALAR)
    assert len(loaded.stderr_tail()) == 2048
    assert loaded.stderr_tail().endswith("end\n")
    assert loaded.cpu_s > 0


# --- failures


def test_exception_ends_the_call_only_and_names_the_line(candidate: SandboxedCandidate) -> None:
    failure = failure_of(lambda: candidate.function("fail", ["too hot"], SCALAR))

    assert failure.outcome is Outcome.CRASHED
    assert failure.detail == "ValueError: too hot (line 21, in fail)"
    assert candidate.function("double", [1.0], SCALAR).arrays["y"] == 2.0


def test_wrong_reply_ends_the_call_only(candidate: SandboxedCandidate) -> None:
    failure = failure_of(lambda: candidate.function("double", [[1.0]], SCALAR))
    assert (failure.outcome, failure.detail) == (
        Outcome.INVALID,
        "'y' must be float64 of shape (), found shape (2,)",
    )
    assert candidate.function("double", [1.0], SCALAR).arrays["y"] == 2.0


def test_later_calls_fail_as_the_call_that_ended_the_child(candidate: SandboxedCandidate) -> None:
    first = failure_of(lambda: candidate.function("leave", [0], SCALAR))
    second = failure_of(lambda: candidate.function("double", [1.0], SCALAR))
    assert first.outcome is Outcome.CRASHED
    assert first.detail == "exited with status 0 before it answered"
    assert (second.outcome, second.detail) == (first.outcome, first.detail)


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("def f(:\n", "syntax error at line 1: invalid syntax"),
        ("x = 1\0", "the source must have no NUL, found one at byte 5"),
        ("#" * (256 * 1024 + 1), "the source must be at most 262144 bytes, found 262145"),
        ("\ud800", "the source is not UTF-8: surrogates not allowed"),
    ],
)
def test_source_that_is_no_program_is_invalid(sandbox: Sandbox, source: str, detail: str) -> None:
    failure = failure_of(lambda: load(sandbox, source))
    assert (failure.outcome, failure.detail) == (Outcome.INVALID, detail)


def test_failing_import_crashes_with_its_line(sandbox: Sandbox) -> None:
    failure = failure_of(lambda: load(sandbox, "x = 1\nimport no_such_module\n"))
    assert failure.outcome is Outcome.CRASHED
    assert failure.detail == "ModuleNotFoundError: No module named 'no_such_module' (line 2, in <module>)"


@pytest.mark.parametrize("name", ["absent", "np", "PROGRAM"])
def test_missing_entry_point_is_invalid(candidate: SandboxedCandidate, name: str) -> None:
    assert failure_of(lambda: candidate.function(name, [], SCALAR)).outcome is Outcome.INVALID
    assert failure_of(lambda: candidate.construct(name)).outcome is Outcome.INVALID


def test_missing_method_is_invalid(candidate: SandboxedCandidate) -> None:
    candidate.construct("Planner", 1.0)
    failure = failure_of(lambda: candidate.method("decide", [], SCALAR))
    assert failure.outcome is Outcome.INVALID
    assert failure.detail == "the object of class Planner must define 'decide', found nothing"


def test_method_before_construct_is_our_own_error(candidate: SandboxedCandidate) -> None:
    with pytest.raises(SandboxError, match="expected `construct` before"):
        candidate.method("plan", [], SCALAR)


def test_call_over_its_wall_limit_times_out(sandbox: Sandbox) -> None:
    with sandbox.candidate(PROGRAM, replace(LIMITS, call_wall_s=0.05)) as loaded:
        failure = failure_of(lambda: loaded.function("loop", [], SCALAR))
    assert (failure.outcome, failure.detail) == (Outcome.TIMED_OUT, "no answer within 0.05 s of wall time")


def test_program_over_its_cpu_limit_times_out(sandbox: Sandbox) -> None:
    with sandbox.candidate(PROGRAM, replace(LIMITS, cpu_s=0.05)) as loaded:
        failure = failure_of(lambda: loaded.function("loop", [], SCALAR))
        assert loaded.cpu_s > 0.05
    assert (failure.outcome, failure.detail) == (Outcome.TIMED_OUT, "used more than 0.05 s of CPU time")


def test_program_without_wall_time_left_times_out(sandbox: Sandbox) -> None:
    def run() -> None:
        with sandbox.candidate(PROGRAM, replace(LIMITS, wall_s=0.0)):
            pass

    assert failure_of(run).outcome is Outcome.TIMED_OUT


def test_exception_of_the_caller_passes_through_and_the_child_is_gone(sandbox: Sandbox) -> None:
    before = descendants(os.getpid())
    with pytest.raises(KeyError), sandbox.candidate(PROGRAM, LIMITS):
        raise KeyError
    assert descendants(os.getpid()) == before


# --- the zygote


def test_library_that_is_not_installed_is_named() -> None:
    with pytest.raises(SandboxError, match="cannot load the task's libraries: No module named 'no_such_library'"):
        Sandbox.start(["no_such_library"])


def zygote_of(sandbox: Sandbox) -> int:
    """The pid of a sandbox's zygote, as its children know it."""
    field = (ReplyField(name="pid", dtype="int64", shape=()),)
    with sandbox.candidate("import os\ndef parent():\n    return os.getppid()", LIMITS) as loaded:
        return int(loaded.function("parent", [], field).arrays["pid"])


def test_death_of_the_zygote_is_not_charged_to_the_program() -> None:
    with Sandbox(["numpy"]) as sandbox:
        zygote = zygote_of(sandbox)
        with sandbox.candidate(PROGRAM, LIMITS) as loaded:
            os.kill(zygote, signal.SIGKILL)
            failure = failure_of(lambda: loaded.function("loop", [], SCALAR))
        assert failure.outcome is Outcome.INFRASTRUCTURE
        assert zygote_of(sandbox) != zygote


@pytest.mark.parametrize(("second_try", "outcome"), [(False, Outcome.INFRASTRUCTURE), (True, Outcome.CRASHED)])
def test_a_kill_from_nowhere_is_the_machines_fault_once(second_try: bool, outcome: Outcome) -> None:
    field = (ReplyField(name="pid", dtype="int64", shape=()),)
    source = "import os\ndef me():\n    return os.getpid()"
    with Sandbox(["numpy"]) as sandbox, sandbox.candidate(source, LIMITS, second_try=second_try) as loaded:
        os.kill(int(loaded.function("me", [], field).arrays["pid"]), signal.SIGKILL)
        assert failure_of(lambda: loaded.function("me", [], field)).outcome is outcome


def test_a_death_by_a_signal_without_a_name_is_a_crash() -> None:
    field = (ReplyField(name="pid", dtype="int64", shape=()),)
    source = "import os\ndef me():\n    return os.getpid()"
    with Sandbox(["numpy"]) as sandbox, sandbox.candidate(source, LIMITS) as loaded:
        os.kill(int(loaded.function("me", [], field).arrays["pid"]), signal.SIGRTMIN + 6)
        failure = failure_of(lambda: loaded.function("me", [], field))
    assert (failure.outcome, failure.detail) == (Outcome.CRASHED, "died of signal 40 before it answered")


def test_zygote_that_stalls_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(["numpy"]) as sandbox:
        zygote = zygote_of(sandbox)
        os.kill(zygote, signal.SIGSTOP)
        monkeypatch.setattr(zygote_process, "ANSWER_TIMEOUT_S", 0.5)
        assert zygote_of(sandbox) != zygote
        assert zygote not in descendants(os.getpid())


def test_closing_leaves_no_process() -> None:
    before = descendants(os.getpid())
    sandbox = Sandbox(["numpy"])
    assert len(descendants(os.getpid()) - before) == 1
    sandbox.close()
    sandbox.close()
    assert descendants(os.getpid()) == before


def test_environment_of_programs_is_built_from_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    source = "import os\ndef tell():\n    raise ValueError(sorted(os.environ))"
    with Sandbox(["numpy"]) as sandbox, sandbox.candidate(source, LIMITS) as loaded:
        told = failure_of(lambda: loaded.function("tell", [], SCALAR)).detail
    assert "OPENAI" not in told
    assert "PATH" not in told
    assert "OMP_NUM_THREADS" in told


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_torch_trains_with_its_own_optimizers() -> None:
    source = """
import torch
def train():
    model = torch.nn.Linear(4, 1)
    for kind in (torch.optim.AdamW, torch.optim.SGD):
        optimizer = kind(model.parameters(), lr=0.1)
        optimizer.zero_grad()
        model(torch.ones(2, 4)).square().sum().backward()
        optimizer.step()
    return model.weight.detach().numpy()
"""
    weight = ReplyField(name="weight", dtype="float32", shape=(1, 4))
    with Sandbox.start(["torch"], allow_unsafe=True) as sandbox, sandbox.candidate(source, LIMITS) as loaded:
        assert np.isfinite(loaded.function("train", [], [weight]).arrays["weight"]).all()
