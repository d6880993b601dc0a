"""Which model to ask, and for what: bandits over (model, operator) that know prices. Pure.

An attempt's reward is in [0, 1]: nothing for an attempt without a scored program, a little for any scored one, and the
rest by how far it is above its parent, on the scale of the median gain so far. So a reward keeps its meaning while the
search moves from large gains to small ones, whatever the unit of the score.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from types import MappingProxyType
from typing import Protocol

import numpy as np

from evolve.search.request import Arm, SearchError

SCORED_SHARE = 0.1  # of the reward: a program that runs, whatever it scores
GAINS_KEPT = 200
LEAST_PRICE = 0.2  # in units of the usual: a free model is cheap, not infinitely so
FORGETTING = 0.99  # per tell: what a model could do for an early program says little about a late one


@dataclass(frozen=True, slots=True)
class ArmState:
    """What is known of an arm; counts and sums are discounted by `FORGETTING` per tell."""

    pulls: float = 0.0
    reward: float = 0.0  # sum
    cost_usd: float = 0.0  # sum
    told: int = 0  # not discounted

    @property
    def mean(self) -> float:
        """Mean reward; 0 before the first."""
        return self.reward / self.pulls if self.pulls else 0.0


class BanditPolicy(Protocol):
    """Which arm to pull."""

    def pick(
        self, states: Sequence[ArmState], waiting: Sequence[int], price_A: np.ndarray, rng: np.random.Generator
    ) -> int:
        """A place in `states`.

        Args:
            states: What is known of each arm.
            waiting: Asks of each arm that were not told yet.
            price_A: ``(A,)`` positive: what an arm promises is divided by it.
            rng: Decides ties and draws.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class UpperConfidence:
    """UCB1 (Auer, Cesa-Bianchi and Fischer 2002) on discounted counts; an ask that waits brought nothing so far.

    Arms that nobody was asked for come first, whatever they cost.
    """

    exploration: float = 0.3  # rewards are rarely near 1

    def pick(
        self,
        states: Sequence[ArmState],
        waiting: Sequence[int],
        price_A: np.ndarray,
        rng: np.random.Generator,  # noqa: ARG002 - the Protocol's
    ) -> int:
        """The arm whose mean has the highest upper end for its price."""
        is_new_A = np.array([state.told for state in states]) + np.array(waiting) == 0
        if is_new_A.any():
            return int(np.argmax(is_new_A))
        pulls_A = np.array([state.pulls for state in states]) + np.array(waiting)
        rewards_A = np.array([state.reward for state in states])
        bonus_A = self.exploration * np.sqrt(2.0 * math.log(max(pulls_A.sum(), 1.0) + 1.0) / pulls_A)
        return int(np.argmax((rewards_A / pulls_A + bonus_A) / price_A))


@dataclass(frozen=True, slots=True, kw_only=True)
class Thompson:
    """A draw from each arm's Beta posterior, fractional rewards as fractional successes (Agrawal and Goyal 2012)."""

    def pick(
        self,
        states: Sequence[ArmState],
        waiting: Sequence[int],  # noqa: ARG002 - the Protocol's
        price_A: np.ndarray,
        rng: np.random.Generator,
    ) -> int:
        """The arm with the highest draw for its price."""
        rewards_A = np.array([state.reward for state in states])
        pulls_A = np.array([state.pulls for state in states])
        draws_A = rng.beta(1.0 + rewards_A, 1.0 + np.maximum(pulls_A - rewards_A, 0.0))
        return int(np.argmax(draws_A / price_A))


@dataclass(frozen=True, slots=True, kw_only=True)
class AsymmetricUpperConfidence:
    """Means scaled by the best arm's, so that the best has 1, plus the bonus; sometimes any arm.

    In the spirit of ShinkaEvolve's asymmetric bandit (arXiv 2509.19349): only gains raise an arm, losses do not lower
    it below one that does nothing, and a share of the choices is uniform, whatever arms cost. An arm that was never
    told of is taken for as good as the best, so that each is tried.
    """

    exploration: float = 0.3
    uniform_share: float = 0.1

    def pick(
        self, states: Sequence[ArmState], waiting: Sequence[int], price_A: np.ndarray, rng: np.random.Generator
    ) -> int:
        """The arm whose scaled mean has the highest upper end for its price; any arm, once in a while."""
        noise_A = rng.random(len(states))
        if rng.random() < self.uniform_share:
            return int(np.argmax(noise_A))
        best = max(state.mean for state in states) or 1.0
        pulls_A = np.array([state.pulls for state in states]) + np.array(waiting)
        bonus_A = self.exploration * np.sqrt(math.log(pulls_A.sum() + 2.0) / (pulls_A + 1.0))
        scaled_A = np.array([state.mean / best if state.told else 1.0 for state in states])
        return int(np.argmax((scaled_A + bonus_A + 1e-9 * noise_A) / price_A))  # ties are broken by chance


POLICIES: Mapping[str, BanditPolicy] = {
    "asymmetric": AsymmetricUpperConfidence(),
    "thompson": Thompson(),
    "ucb1": UpperConfidence(),
}


class Bandit:
    """A fold over tells; choosing changes nothing."""

    def __init__(self, policy: BanditPolicy, arms: Sequence[Arm], price_weight: float = 0.5) -> None:
        """`price_weight` 0 ignores prices, 1 compares what a dollar brings.

        Raises:
            SearchError: There is no arm, or the weight is negative.
        """
        if not arms or price_weight < 0:
            raise SearchError(f"a bandit needs an arm and a price weight of at least 0, found {arms}, {price_weight}")
        self._policy = policy
        self._price_weight = price_weight
        self._states: dict[Arm, ArmState] = {arm: ArmState() for arm in dict.fromkeys(arms)}
        self._gains: deque[float] = deque(maxlen=GAINS_KEPT)

    @property
    def states(self) -> Mapping[Arm, ArmState]:
        """What is known, by arm: a read-only view."""
        return MappingProxyType(self._states)

    def choose(self, allowed: Sequence[Arm], waiting: Mapping[Arm, int], rng: np.random.Generator) -> Arm:
        """The arm of `allowed` that promises most for its price; `waiting` counts asks not yet told."""
        states = [self._states[arm] for arm in allowed]
        price_A = self._relative_price(allowed) ** self._price_weight
        return allowed[self._policy.pick(states, [waiting.get(arm, 0) for arm in allowed], price_A, rng)]

    def learn(self, arm: Arm, gain: float | None, cost_usd: float) -> None:
        """Fold in an attempt: its score less its parent's (None: not scored), and what it cost.

        An arm that is not among ours, of a run whose models were changed, is not learnt from.
        """
        reward = self._reward(gain)
        if arm not in self._states:
            return
        for known, state in self._states.items():
            self._states[known] = replace(
                state,
                pulls=state.pulls * FORGETTING,
                reward=state.reward * FORGETTING,
                cost_usd=state.cost_usd * FORGETTING,
            )
        state = self._states[arm]
        self._states[arm] = ArmState(
            state.pulls + 1.0, state.reward + reward, state.cost_usd + cost_usd, state.told + 1
        )

    def _reward(self, gain: float | None) -> float:
        if gain is None:
            return 0.0
        if gain <= 0.0:
            return SCORED_SHARE
        self._gains.append(gain)
        return SCORED_SHARE + (1.0 - SCORED_SHARE) * gain / (gain + median(self._gains))

    def _relative_price(self, arms: Sequence[Arm]) -> np.ndarray:
        """``(A,)`` what an attempt of each arm costs, in units of the mean over arms.

        The prior is one pull at what the arm's model costs with its other operators: an operator that was not possible
        at first is not taken to be as dear as the dearest model makes the mean.
        """
        usual = self._usual_cost(self._states)
        if not usual:
            return np.ones(len(arms))
        models = {arm.model for arm in arms}
        of_model = {name: self._usual_cost([one for one in self._states if one.model == name]) for name in models}
        states = [self._states[arm] for arm in arms]
        priors = np.array([usual if (own := of_model[arm.model]) is None else own for arm in arms])
        costs, pulls = np.array([state.cost_usd for state in states]), np.array([state.pulls for state in states])
        relative_A: np.ndarray = np.maximum((costs + priors) / (pulls + 1.0) / usual, LEAST_PRICE)
        return relative_A

    def _usual_cost(self, arms: Iterable[Arm]) -> float | None:
        """Mean over those of `arms` that were pulled; None if none was."""
        states = [self._states[arm] for arm in arms]
        costs = [state.cost_usd / state.pulls for state in states if state.pulls]
        return fmean(costs) if costs else None
