"""The replicas of a scenario and what connects them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from evaluators.scheduling.llm_serving.costs import CostModel
from evaluators.scheduling.llm_serving.replica import MIXED


class Goal(IntEnum):
    """What a scenario asks for beside latency."""

    NONE = 0
    ENERGY = 1  # little energy
    TUNING = 2  # tokens fine-tuned in idle budget
    QUALITY = 3  # answers by the better of several models


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One replica is away for a while, and what it held is lost."""

    replica: int
    at_s: float
    back_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The replicas and what connects them."""

    costs: tuple[CostModel, ...]
    roles: tuple[int, ...]  # `MIXED`, `PREFILL` or `DECODE` of each
    link_bytes_per_s: float = 25e9  # 200 Gb/s
    failure: Failure | None = None
    goal: Goal = Goal.NONE
    qualities: tuple[float, ...] = ()  # of each replica's model, at most 1; none: all 1

    @property
    def smallest_kv_tokens(self) -> int:
        """What every request must fit in, with the room that admissions leave free."""
        return int(0.98 * min(cost.kv_tokens for cost in self.costs))

    @property
    def is_split(self) -> bool:
        """Whether prompts and decodes have replicas of their own."""
        return any(role != MIXED for role in self.roles)
