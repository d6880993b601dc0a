"""The stopwatches: the clock that is handed in, and the words of `nvidia-smi`."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the stopwatches need torch", exc_type=ImportError)

import torch

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
