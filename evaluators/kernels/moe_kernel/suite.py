"""Which shapes and loads make up each tier and split. Standard library only.

Search and validation share regimes and differ by seed; the hold-out has other sizes (no powers of two among them) and
other loads. Each regime has a shape that is compiled, and timed where a GPU is, and a tiny one for the interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.contract import Split, Tier
from evaluators.kernels.moe_kernel.stages import Load
from evaluators.kernels.shapes import LayerShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """One kind of layer."""

    name: str
    load: Load
    target: LayerShape  # compiled, and timed
    tiny: LayerShape  # played in the interpreter


def _target(tokens: int, width: int, experts: int, top_k: int, expert_width: int) -> LayerShape:
    return LayerShape(tokens=tokens, width=width, experts=experts, top_k=top_k, expert_width=expert_width)


def _tiny(tokens: int, width: int, experts: int, top_k: int, expert_width: int, dtype: str) -> LayerShape:
    return LayerShape(
        tokens=tokens, width=width, experts=experts, top_k=top_k, expert_width=expert_width, dtype=dtype
    )  # fmt: skip


_FINE = _target(16384, 2048, 64, 8, 1024)
SEARCH_REGIMES = (
    Regime(name="even", load=Load.EVEN, target=_FINE, tiny=_tiny(24, 64, 8, 2, 32, "float32")),
    Regime(name="skewed", load=Load.SKEWED, target=_FINE, tiny=_tiny(21, 48, 8, 4, 32, "float16")),
    Regime(
        name="coarse", load=Load.SPARSE, target=_target(8192, 4096, 8, 2, 3584), tiny=_tiny(32, 80, 4, 1, 48, "float32")
    ),
)
HOLDOUT_REGIMES = (
    Regime(
        name="odd", load=Load.HOT, target=_target(10007, 1536, 60, 4, 1408), tiny=_tiny(19, 112, 6, 3, 48, "float32")
    ),
    Regime(
        name="many", load=Load.SPARSE, target=_target(8192, 2560, 160, 6, 768), tiny=_tiny(17, 64, 12, 3, 16, "float16")
    ),
    Regime(name="all", load=Load.EVEN, target=_target(4000, 3072, 6, 6, 2048), tiny=_tiny(13, 96, 4, 4, 64, "float32")),
)
NUM_INSTANCES = {Tier.SMOKE: 1, Tier.QUICK: 12, Tier.FULL: 24, Tier.REPORT: 48}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One instance of a regime."""

    name: str
    regime: Regime


def cases(tier: Tier, split: Split) -> Sequence[Case]:
    """The instances of a tier and split, the regimes in turn."""
    regimes = HOLDOUT_REGIMES if split is Split.HOLDOUT else SEARCH_REGIMES
    turns = [divmod(index, len(regimes)) for index in range(NUM_INSTANCES[tier])]
    return [Case(name=f"{regimes[place].name}-{turn}", regime=regimes[place]) for turn, place in turns]
