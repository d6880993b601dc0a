"""What drives a replica beside its requests: its clock, fine-tuning in idle budget, and the energy that both take.

Clock (the model of a scenario in the style of POLCA, Patel et al., ASPLOS 2024, arXiv:2308.12908; assumed, not
calibrated): at a share f of the highest clock, what is bound by computing takes 1 / f as long, reading weights and KV
does not; power is ``idle + u (limit - idle) f ** 2.4`` with u = 1 while computing and 0.55 while reading.

Fine-tuning (co-serving in the style of FlexLLM, Oliaro et al., NSDI 2026, arXiv:2402.18789): an iteration is filled
with tokens of a training set while it stays within a length; a token costs the linear operations of three, one forward
and two backward. Its attention and its memory are not counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.scheduling.llm_serving.costs import CostModel, largest_multiple

LOWEST_FREQUENCY = 0.5  # of the highest clock
POWER_EXPONENT: float = 2.4  # of power in the clock
READING_POWER = 0.55  # share of the dynamic power while memory, not computing, is the limit
TUNING_COST = 3  # tokens of linear work per fine-tuned token
MOST_TUNING_TOKENS = 2048  # per iteration


class Pace:
    """The settings of one replica, which its director changes, and what the running step does with them."""

    __slots__ = ("_compute_s", "_frequency", "_tune_s", "dynamic_j", "frequency", "tune_s", "tuned_tokens", "tuning")

    def __init__(self) -> None:
        self.frequency = 1.0  # share of the highest clock, for steps that begin from now on
        self.tune_s = 0.0  # iterations are filled with fine-tuning up to this length; 0 is never
        self.dynamic_j = 0.0  # energy of the steps that ended, beyond idling
        self.tuned_tokens = 0  # in the steps that ended
        self.tuning = 0  # tokens in each iteration of the running step
        self._compute_s = 0.0  # of each iteration of it: what the clock stretches, at the clock it has
        self._frequency = 1.0  # the running step's
        self._tune_s = 0.0

    @property
    def changed(self) -> bool:
        """Whether the running step was begun with other settings."""
        return self.frequency != self._frequency or self.tune_s != self._tune_s

    def fits_tuning(self, cost: CostModel) -> bool:
        """Whether an iteration of nothing but fine-tuning keeps within its length."""
        return self.tune_s > cost.cpu_s and tuning_tokens(cost, 0, (self.tune_s - cost.cpu_s) * self.frequency) > 0

    def begin(self, cost: CostModel, decoding: int, chunks: Sequence[tuple[int, int]], step_s: float) -> float:
        """Seconds of each iteration of a step that takes `step_s` at the highest clock and without fine-tuning."""
        self._frequency, self._tune_s = frequency, limit_s = self.frequency, self.tune_s
        tokens = decoding + sum(size for _, size in chunks)
        compute_s = cost.compute_s(tokens, chunks)
        seconds = step_s if frequency == 1.0 else step_s + compute_s * (1 / frequency - 1)
        self.tuning = 0
        if limit_s > seconds:
            self.tuning = tuning_tokens(cost, tokens, (limit_s - seconds) * frequency)
        if self.tuning:
            reading_s = 0.0 if tokens else cost.weights_s  # beside requests the weights are read anyway
            added_s = cost.linear(tokens + TUNING_COST * self.tuning) - cost.linear(tokens) - reading_s
            compute_s += added_s
            seconds += reading_s + added_s / frequency
        self._compute_s = compute_s / frequency
        return seconds

    def end(self, cost: CostModel, iterations: int, seconds: float) -> None:
        """Count a step of so many iterations that took `seconds`."""
        computing_s = min(iterations * self._compute_s, seconds)
        busy_s = computing_s + READING_POWER * (seconds - computing_s)
        self.dynamic_j += cost.dynamic_w * self._frequency**POWER_EXPONENT * busy_s
        self.tuned_tokens += iterations * self.tuning


def tuning_tokens(cost: CostModel, tokens: int, spare_s: float) -> int:
    """The most tokens to fine-tune beside `tokens` that add at most `spare_s` at the highest clock, perhaps 0."""
    most_s = cost.linear(tokens) + spare_s
    return largest_multiple(lambda tuned: cost.linear(tokens + TUNING_COST * tuned) <= most_s, MOST_TUNING_TOKENS)
