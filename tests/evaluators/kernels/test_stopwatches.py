"""The stopwatches: the clock that is handed in, and the words of `nvidia-smi`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="the stopwatches need torch", exc_type=ImportError)

import torch

from evaluators.kernels import stopwatches
from evaluators.kernels.stopwatches import CudaStopwatch, DeviceState, WallStopwatch, read_state


def test_the_wall_clock_is_read_around_each_launch() -> None:
    now_ns = iter([0, 5_000, 10_000, 17_000])
    launched: list[str] = []
    spans = WallStopwatch(lambda: next(now_ns)).spans_us(lambda: launched.append("k"), 2)
    assert list(spans) == [5.0, 7.0]
    assert launched == ["k", "k"]


def test_a_train_is_one_span() -> None:
    now_ns = iter([1_000, 31_000])
    launched: list[str] = []
    assert WallStopwatch(lambda: next(now_ns)).train_us(lambda: launched.append("k"), 3) == 30.0
    assert len(launched) == 3


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (
            "1980, 3201, 41, 512.30\n1980, 3201, 40, 90.1\n",
            DeviceState(sm_mhz=1980.0, memory_mhz=3201.0, temperature_c=41.0, power_w=512.3),
        ),
        ("1980, 3201, 41, [N/A]\n", None),
        ("1980, 3201\n", None),
        ("\n", None),
    ],
)
def test_the_state_is_read_or_left_unknown(said: str, state: DeviceState | None) -> None:
    assert read_state(said) == state


class Event:
    """A CUDA event that notes when it was recorded; every step of the made-up stream takes a millisecond."""

    def __init__(self, stream: list[str]) -> None:
        self._stream = stream
        self.at_ms = 0

    def record(self) -> None:
        self.at_ms = len(self._stream)
        self._stream.append("event")

    def elapsed_time(self, later: Event) -> float:
        return float(later.at_ms - self.at_ms)


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was queued on a made-up CUDA device, in order."""
    queued: list[str] = []
    properties = SimpleNamespace(L2_cache_size=64)
    monkeypatch.setattr(stopwatches, "LEAST_FLUSHED_BYTES", 16)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    monkeypatch.setattr(torch.cuda, "Event", lambda **_: Event(queued))
    monkeypatch.setattr(torch.cuda, "_sleep", lambda _: queued.append("sleep"))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _: queued.append("wait"))
    return queued


def test_each_launch_is_between_its_events_after_a_head_start(stream: list[str]) -> None:
    watch = CudaStopwatch(torch.device("cpu"))
    spans = watch.spans_us(lambda: stream.append("kernel"), 2)
    assert stream == ["sleep", "event", "kernel", "event"] * 2 + ["wait"]
    assert list(spans) == [2000.0, 2000.0]


def test_a_train_runs_from_an_idle_device_to_an_idle_device(stream: list[str]) -> None:
    assert CudaStopwatch(torch.device("cpu")).train_us(lambda: stream.append("kernel"), 3) > 0
    assert stream == ["wait", "kernel", "kernel", "kernel", "wait"]


@pytest.mark.gpu
def test_a_longer_copy_takes_longer_on_the_device() -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    device = torch.device("cuda")
    watch = CudaStopwatch(device)
    source = torch.randn(1 << 28, device=device)
    target = torch.empty_like(source)
    small = watch.spans_us(lambda: target[: 1 << 20].copy_(source[: 1 << 20]), 5)
    large = watch.spans_us(lambda: target.copy_(source), 5)
    assert sorted(large)[2] > 10 * sorted(small)[2]
