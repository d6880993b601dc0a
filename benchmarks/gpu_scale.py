"""How large the GPU script measures: the headline shapes on a GPU, toy sizes in a dry run. No torch."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluators.kernels.cases import LARGE
from evaluators.kernels.expert_curve import BESIDE, KNOTS
from evaluators.kernels.floors import HEADLINE_WIDTHS, headline_shape
from evaluators.kernels.shapes import LayerShape
from evaluators.kernels.timing import Effort

CORE, REST = "core", "rest"  # the cases of a correctness check that come first, and the others
FEW_ROWS_TOKENS = 512  # 64 rows per expert: decoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Sizes and repetitions."""

    dry: bool
    out: Path  # where result files go
    dtypes: tuple[str, ...]  # that kernels are checked in, the headline's first
    core_cases: tuple[int, ...]  # places in `cases.LARGE` or, in a dry run, in `cases.SMALL`
    num_cases: int
    shapes: Mapping[str, LayerShape]
    few_rows_tokens: int
    effort: Effort
    knots: tuple[int, ...]
    beside: int
    batches: tuple[int, ...]
    copied_bytes: int
    matrix_width: int
    compilers: int  # processes that compile ahead
    check_s: float  # after which a check is taken to hang; it compiles a dozen kernels and more
    trial_s: float  # after which tiles are; they compile two
    groups: int  # of experts, each as on a GPU of its own
    settings: tuple[str, ...] = field(default=())  # of the placement problem that is replayed
    replay_words: tuple[str, ...] = field(default=())

    @property
    def book_path(self) -> Path:
        """The file of all items and their results."""
        return self.out / "gpu.json"

    @property
    def device_type(self) -> str:
        """``cuda``, or ``cpu`` in a dry run."""
        return "cpu" if self.dry else "cuda"

    def cases(self, part: str) -> list[int]:
        """The places of the cases of `CORE`, or of `REST`."""
        return [case for case in range(self.num_cases) if (case in self.core_cases) == (part == CORE)]

    def scratch(self) -> Path:
        """A folder for what is no result: the results may have to be copied from a machine that gives few files."""
        folder = Path(tempfile.gettempdir()) / f"evenkeel-gpu-{zlib.crc32(bytes(self.out)):08x}"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder


def full_scale(out: Path, cores: int) -> Scale:
    """What an H200 is measured with."""
    return Scale(
        dry=False,
        out=out,
        dtypes=("bfloat16", "float16", "float32"),
        core_cases=(1, 2, 3),
        num_cases=len(LARGE),
        shapes={f"ff{width}": headline_shape(width) for width in HEADLINE_WIDTHS},
        few_rows_tokens=FEW_ROWS_TOKENS,
        effort=Effort(),
        knots=KNOTS,
        beside=BESIDE,
        batches=(256, 1024, 4096, 16384),
        copied_bytes=1 << 32,
        matrix_width=8192,
        compilers=max(1, min(14, cores - 2)),
        check_s=90.0,
        trial_s=45.0,
        groups=8,
        settings=("gpus=16", "experts=64", "layers=12"),
        replay_words=("--cells", "6"),
    )


def dry_scale(out: Path) -> Scale:
    """Small enough for Triton's interpreter."""
    shape = LayerShape(tokens=32, width=32, experts=4, top_k=2, expert_width=32, dtype="float32")
    return Scale(
        dry=True,
        out=out,
        dtypes=("float32",),
        core_cases=(0,),
        num_cases=2,
        shapes={f"ff{width}": replace(shape, expert_width=32 * place) for place, width in enumerate((1024, 1408), 1)},
        few_rows_tokens=8,
        effort=Effort(warmups=1, launches=1, calibrations=1),
        knots=(1, 8, 40),
        beside=2,
        batches=(16,),
        copied_bytes=1 << 16,
        matrix_width=64,
        compilers=1,
        check_s=300.0,
        trial_s=300.0,
        groups=2,
        settings=("gpus=8", "experts=32", "layers=2"),
        replay_words=("--dry-run-on-cpu", "--tier", "smoke", "--scenarios", "1", "--cells", "2"),
    )
