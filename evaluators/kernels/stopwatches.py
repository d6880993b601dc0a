"""The stopwatches: CUDA events on a GPU, the wall clock on a CPU, and what `nvidia-smi` says meanwhile."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from evaluators.kernels.timing import Launch, Stopwatch

FLUSH_OVER_CACHE = 4  # bytes written before a launch over the size of the L2 cache
LEAST_FLUSHED_BYTES = 1 << 28
HEAD_START_CYCLES = 2_000_000  # about 1 ms that the device is busy while the host queues the launch
_QUERY = ("clocks.sm", "clocks.mem", "temperature.gpu", "power.draw")


class CudaStopwatch:
    """Times with events on the current stream."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        cache_bytes = torch.cuda.get_device_properties(device).L2_cache_size
        flushed_bytes = max(FLUSH_OVER_CACHE * cache_bytes, LEAST_FLUSHED_BYTES)
        self._flushed = torch.empty(flushed_bytes // 4, dtype=torch.float32, device=device)
        self._sum = torch.empty((), dtype=torch.float32, device=device)

    def spans_us(self, launch: Launch, count: int) -> Sequence[float]:
        """See `Stopwatch`. The device is kept busy while the host queues, so the host's own time does not count."""
        pairs = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(count)]
        for start, stop in pairs:
            self._flushed.zero_()
            torch.sum(self._flushed, 0, out=self._sum)  # else the launch would write the zeros back from the cache
            torch.cuda._sleep(HEAD_START_CYCLES)
            start.record()
            launch()
            stop.record()
        torch.cuda.synchronize(self._device)
        return [1e3 * start.elapsed_time(stop) for start, stop in pairs]

    def train_us(self, launch: Launch, count: int) -> float:
        """See `Stopwatch`; waits for every stream of the device."""
        torch.cuda.synchronize(self._device)
        begun_ns = time.perf_counter_ns()
        for _ in range(count):
            launch()
        torch.cuda.synchronize(self._device)
        return 1e-3 * (time.perf_counter_ns() - begun_ns)


@dataclass(frozen=True, slots=True)
class WallStopwatch:
    """Times work on the CPU, no cache flushed: good for trying out what is timed, never for a claim."""

    clock_ns: Callable[[], int] = time.perf_counter_ns

    def spans_us(self, launch: Launch, count: int) -> Sequence[float]:
        """See `Stopwatch`."""
        return [self.train_us(launch, 1) for _ in range(count)]

    def train_us(self, launch: Launch, count: int) -> float:
        """See `Stopwatch`."""
        begun_ns = self.clock_ns()
        for _ in range(count):
            launch()
        return 1e-3 * (self.clock_ns() - begun_ns)


def stopwatch(device: torch.device) -> Stopwatch:
    """The stopwatch of a device."""
    return CudaStopwatch(device) if device.type == "cuda" else WallStopwatch()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """A GPU at one moment; read, never set."""

    sm_mhz: float
    memory_mhz: float
    temperature_c: float
    power_w: float


def device_state() -> DeviceState | None:
    """What the first GPU says of itself; None where there is no `nvidia-smi`, or it knows no such figures."""
    command = ["nvidia-smi", f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return read_state(said)


def read_state(said: str) -> DeviceState | None:
    """The state in the first line of `nvidia-smi`'s comma-separated reply; None if one of the figures is no number."""
    fields = said.splitlines()[0].split(",") if said.strip() else []
    try:
        sm, memory, temperature, power = (float(field) for field in fields)
    except ValueError:
        return None
    return DeviceState(sm_mhz=sm, memory_mhz=memory, temperature_c=temperature, power_w=power)


def driver_version() -> str:
    """The NVIDIA driver; empty without one."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.strip().splitlines()[0] if said.strip() else ""
