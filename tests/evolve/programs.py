"""Small programs for the proposer, and the members and requests that name them."""

from __future__ import annotations

from pathlib import Path

from evolve.novelty.known import source_digest
from evolve.search.request import Member, MutationRequest, Operator

REAL = Path("seeds/expert_replication/initial.py")
"""The program that users meet first; tests that want it read it from the checkout."""

PACKER = '''"""A toy with the shape of the real programs."""

import numpy as np

LOW, MIDDLE, HIGH = 0, 1, 2

# EVOLVE-BLOCK-START
DECAY = 0.5  # weight of the past
STEPS = 3
MODE = LOW
OFFSET = -1.5


def smooth(loads: np.ndarray, steps: int) -> np.ndarray:
    """Loads after some steps."""
    total = loads * DECAY
    for step in range(steps):
        if step > 1 and DECAY < 0.9:
            total = total + loads.mean()
    return np.maximum(total, OFFSET)


def choose(loads: np.ndarray, num_packs: int) -> np.ndarray:
    """Packs, heaviest first."""
    order = np.argsort(-loads)
    packs = np.zeros(num_packs)
    for rank in range(len(order)):
        lightest = packs.argmin()
        packs[lightest] += loads[order[rank]]
    return packs


# EVOLVE-BLOCK-END


def plan(loads: np.ndarray) -> np.ndarray:
    """The entry point."""
    return choose(smooth(loads, STEPS), 4)
'''

DONOR = (
    PACKER.replace("DECAY = 0.5", "DECAY = 0.8")
    .replace("STEPS = 3", "STEPS = 12")
    .replace("    total = loads * DECAY\n", "    spread = loads.std()\n    total = loads * DECAY - spread\n")
)
"""`PACKER` after some luck: other constants, and a longer `smooth`."""

BASELINE = '''import numpy as np

FLOOR = 1.0


def clipped(loads: np.ndarray) -> np.ndarray:
    """A helper that the others do not have."""
    return np.maximum(loads, FLOOR)


def smooth(loads: np.ndarray, steps: int) -> np.ndarray:
    """Published method: no markers, other helpers."""
    return clipped(loads) / steps
'''

NESTED = '''import math
# EVOLVE-BLOCK-START
class Policy:
    limit = 10

    def __init__(self, config: dict) -> None:
        self.config = config
        self.seen: list[float] = []

    def plan(self, loads: list[float], window: int) -> list[float]:
        """Several lines
        of text."""
        if window % 2:
            self.seen.append(sum(loads))
            scale = 2.0
        elif window > self.limit:
            scale = 0.5
        else:
            scale = 1.0
        try:
            ratio = max(loads) / min(loads)
        except ZeroDivisionError:
            ratio = math.inf
        best = [load * scale for load in loads if load < ratio]
        names = {f"{name:.2f}": name + 1 for name in loads}
        while len(best) < len(loads): best.append(0.0)
        with_key = sorted(best, key=lambda value: (value - scale, -value))
        return [first for first, _ in zip(with_key, names, strict=True)]
# EVOLVE-BLOCK-END
'''

PROGRAMS = (PACKER, DONOR, NESTED)


def in_block(body: str) -> str:
    """A program that is one block after `import numpy as np`."""
    return f"import numpy as np\n# EVOLVE-BLOCK-START\n{body}# EVOLVE-BLOCK-END\n"


def a_member(
    number: int, score: float = 0.0, *, wins: tuple[float, ...] = (), founder: bool = False, parent: str | None = None
) -> Member:
    """A member whose id follows from its number."""
    return Member(
        candidate_id=source_digest(f"{number}"),
        score=score,
        instance_scores=wins or (score, float(number)),
        attempt_index=None if founder else number,
        parent_id=parent,
    )


def a_request(operator: Operator = Operator.MUTATE) -> MutationRequest:
    """A request as the proposer reads it: only the operator matters there."""
    founder = a_member(0, founder=True)
    return MutationRequest(index=0, island=0, operator=operator, parent=founder, inspirations=(), num_tells=0)
