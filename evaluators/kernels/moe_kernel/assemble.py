"""PTX to machine code, by the ptxas of the Triton wheel, in a process with nothing to take and little to use up."""

from __future__ import annotations

import importlib.util
import re
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from evaluators.contract import EvaluatorError
from evaluators.kernels.moe_kernel.ptx import TARGET, PtxError

TIMEOUT_S = 60.0
_LIMITS = ((resource.RLIMIT_CPU, 50), (resource.RLIMIT_AS, 8 << 30), (resource.RLIMIT_FSIZE, 64 << 20))
_PTXAS = Path("backends") / "nvidia" / "bin" / "ptxas"
# ptxas repeats names that a program chose: digits without end must not be tried from each of them.
_REGISTERS = re.compile(r"Used (\d{1,9}) registers")
_SPILLS = re.compile(r"(\d{1,9}) bytes spill stores, (\d{1,9}) bytes spill loads")
MOST_FAULT_CHARS = 300


@dataclass(frozen=True, slots=True)
class Machine:
    """One kernel as machine code, and what it takes of a multiprocessor."""

    cubin: bytes
    registers: int  # of each thread
    spill_bytes: int  # of each thread, stores and loads: registers that went to memory


@lru_cache(maxsize=64)
def assemble(ptx: str) -> Machine:
    """The machine code of `ptx` for compute capability 9.0.

    Raises:
        PtxError: ptxas refuses it, takes too long or too much.
        EvaluatorError: There is no ptxas.
    """
    with tempfile.TemporaryDirectory(prefix="evenkeel-ptxas-") as folder:
        source, result = Path(folder) / "kernel.ptx", Path(folder) / "kernel.cubin"
        source.write_text(ptx, encoding="ascii")
        said = _run([str(ptxas()), "-v", f"--gpu-name={TARGET}", source.name, "-o", result.name], folder)
        if not result.is_file():
            raise PtxError(f"ptxas refuses the kernel: {' '.join(said.split())[:MOST_FAULT_CHARS]}")
        registers, spills = _REGISTERS.search(said), _SPILLS.search(said)
        return Machine(
            cubin=result.read_bytes(),
            registers=int(registers.group(1)) if registers else 0,
            spill_bytes=sum(map(int, spills.groups())) if spills else 0,
        )


@lru_cache(maxsize=1)
def ptxas() -> Path:
    """Where the Triton wheel keeps ptxas.

    Raises:
        EvaluatorError: Triton is not installed, or has none.
    """
    spec = importlib.util.find_spec("triton")
    path = Path(spec.origin).parent / _PTXAS if spec is not None and spec.origin is not None else None
    if path is None or not path.is_file():
        raise EvaluatorError("moe_kernel needs Triton with its ptxas: pip install 'evenkeel[torch]'")
    return path


def _run(command: list[str], folder: str) -> str:
    """What the command said; it inherits no environment and no open file."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        for limit, value in _LIMITS:
            resource.prlimit(process.pid, limit, (value, value))
        try:
            said, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise PtxError(f"ptxas needs more than {TIMEOUT_S:g} s for the kernel") from None
    return said.decode("utf-8", "replace")
