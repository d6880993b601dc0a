"""When an evaluation may end early: the program is shown to be worse than its parent, or behaves like an earlier one.

The comparison with the parent is a sequential test. After each of `LOOKS` a one-sided sign-flip test on the paired
differences is made at its share of `error_rate` (Bonferroni), so a program as good as its parent, whose differences are
symmetric around zero, is stopped with probability `error_rate` at most; a better one less often. Instances stand for
others of their regime only: nothing is concluded before `LEAST_SEEN` of the regimes have been played.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from evaluators.contract import InstanceResult

LOOKS = (1 / 4, 1 / 3, 1 / 2, 2 / 3)  # shares of the instances; later there is little left to save
LOOK_FOR_TWINS = 1 / 3  # a quarter is too few: 8 % of the twins found would be none (docs/search.md)
LEAST_PLAYED = 5  # instances before anything is concluded
LEAST_SEEN = 2 / 3  # of the regimes, before a program is taken to be worse: it may gain in those that come later


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """What a program is compared with while it is played. The defaults compare with nothing.

    The sequences are in the order of the workload's instances.
    """

    parent_scores: tuple[float, ...] = ()  # counted scores; empty: no comparison with the parent
    error_rate: float = 0.2  # of stopping a program that is as good as its parent, over all looks together
    twins: tuple[tuple[str, ...], ...] = ()  # digests of earlier programs that may behave alike


NO_RACE = Race()


def play_order(regimes: Sequence[str]) -> list[int]:
    """The places of the instances as they are played: regimes by turns, each from its last instance to its first.

    So a look sees as many regimes as it can. The last come first because `SMOKE` resembles the first ones.
    """
    by_regime: dict[str, list[int]] = defaultdict(list)
    for place in reversed(range(len(regimes))):
        by_regime[regimes[place]].append(place)
    in_order = [by_regime[regime] for regime in dict.fromkeys(regimes)]
    return [place for turn in zip_longest(*in_order) for place in turn if place is not None]


def reason_to_stop(race: Race, total: int, num_regimes: int, played: Mapping[int, InstanceResult]) -> str:
    """Why the rest of `total` instances need not be played, in words for people; empty to go on.

    Args:
        num_regimes: Of all instances.
        played: Results by place, in the order played.
    """
    if len(played) == played_for_twins(total) and find_twin(race.twins, played) is not None:
        return f"did the same as an earlier program on {len(played)} of {total} instances"
    looks = [number for share in LOOKS if (number := round(share * total)) >= LEAST_PLAYED]
    if len(played) not in looks or len(race.parent_scores) != total:
        return ""
    if len({result.regime for result in played.values()}) < LEAST_SEEN * num_regimes:
        return ""
    from evaluators.significance import sign_flip_p  # numpy: the parser's process reads `Race` and has none

    lost = [race.parent_scores[place] - result.counted_score for place, result in played.items()]
    if sum(lost) <= 0 or sign_flip_p(lost, one_sided=True) > race.error_rate / len(looks):
        return ""
    return f"worse than the parent by {sum(lost) / len(lost):.3g} on {len(played)} of {total} instances"


def played_for_twins(total: int) -> int:
    """The fewest of `total` instances on which two programs must do the same to be twins."""
    return max(round(LOOK_FOR_TWINS * total), LEAST_PLAYED)


def find_twin(twins: Sequence[Sequence[str]], played: Mapping[int, InstanceResult]) -> int | None:
    """The first of `twins` that did the same on every instance played; None where no digest was taken."""
    if not played or not all(result.behaviour for result in played.values()):
        return None
    for number, digests in enumerate(twins):
        if all(place < len(digests) and digests[place] == result.behaviour for place, result in played.items()):
            return number
    return None
