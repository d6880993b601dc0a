"""One trace on one machine: at every layer of every step the program says what to keep and what to load ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.candidate import Argument, Candidate, CandidateFailure, ReplyField
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.placement.tier_cache.bound import time_bound_us
from evaluators.placement.tier_cache.clairvoyant import MOST_AHEAD, clairvoyant_us
from evaluators.placement.tier_cache.engine import NONE, Cache, Tally, least_recently_used, run
from evaluators.placement.tier_cache.system import Bools, Floats, Ints, System, Trace, popular
from evaluators.problem import ClockPolicy

LEAST_SPAN = 0.05  # of the bound: a trace that LRU nearly serves at the bound is not blown up to the whole score


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """A trace with its anchors; see `make_scenario`."""

    name: str
    regime: str
    system: System
    trace: Trace
    hint: float  # stated accuracy of the hints, 0 for none
    lookahead: int  # future events that are shown
    candidate_seed: int
    needed: Sequence[Ints]
    resident_O: Bools  # at first
    weak_us: int  # least recently used, nothing ahead
    bound_us: int  # proven
    known_us: int  # of a schedule that knows the trace

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Decode the trace with a fresh program's answers."""
        del clock  # a policy would run beside the GPU: no time is charged
        tally = self.run(candidate)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(tally.time_us),
            metrics=self._metrics(tally),
        )

    def run(self, candidate: Candidate) -> Tally:
        """What the program's answers come to."""
        candidate.construct("Policy", self.config())
        shape = (self.system.layers, self.system.experts)
        fields = (
            ReplyField(name="keep", dtype="float32", shape=shape),
            ReplyField(name="ahead", dtype="int64", shape=(MOST_AHEAD,), optional=True, default=NONE),
        )

        def decide(event: int, cache: Cache) -> tuple[Floats, Sequence[int]]:
            arrays = candidate.method("decide", [self._view(event, cache)], fields).arrays
            keep_O = np.asarray(arrays["keep"], dtype=np.float32).reshape(-1)
            ahead = read_ahead(np.asarray(arrays["ahead"], dtype=np.int64), keep_O.size) if "ahead" in arrays else ()
            return keep_O, ahead

        return run(self.system, self.needed, self.resident_O, decide)

    def score(self, time_us: int) -> float:
        """0 at least recently used, 1 at the bound (less where the two are nearly one), at least -1."""
        span = max(self.weak_us - self.bound_us, LEAST_SPAN * self.bound_us)
        return max(FLOOR, (self.weak_us - time_us) / span)

    def config(self) -> dict[str, Argument]:
        """What `Policy` is made with."""
        system = self.system
        return {
            "layers": system.layers,
            "experts": system.experts,
            "top_k": system.top_k,
            "tokens": system.tokens,
            "capacity": system.capacity,
            "load_us": system.load_us,
            "dense_us": system.dense_us,
            "expert_us": system.expert_us,
            "hint_accuracy": self.hint,
            "lookahead": self.lookahead,
            "most_ahead": MOST_AHEAD,
            "history": self.trace.history_RLE.copy(),
            "seed": self.candidate_seed,
        }

    def _view(self, event: int, cache: Cache) -> dict[str, Argument]:
        """Copies of what is known at this event; of the future only what the regime shows."""
        system, trace = self.system, self.trace
        step, layer = divmod(event, system.layers)
        return {
            "step": step,
            "layer": layer,
            "fresh": bool(trace.fresh_N[event]),
            "tokens": trace.tokens_NE[event],
            "probabilities": trace.probabilities_NE[event],
            "hint": trace.hints_NE[event],
            "future": self._future(event),
            "resident": cache.resident_O.reshape(system.layers, system.experts).copy(),
            "in_flight": cache.flying,
        }

    def _future(self, event: int) -> npt.NDArray[np.int16]:
        """``(H, E)``: tokens of the next events, zeros beyond the last."""
        shown_HE = np.zeros((self.lookahead, self.system.experts), dtype=np.int16)
        if self.lookahead:
            known_HE = self.trace.tokens_NE[event + 1 : event + 1 + self.lookahead]
            shown_HE[: len(known_HE)] = known_HE
        return shown_HE

    def _metrics(self, tally: Tally) -> dict[str, float]:
        time_us, events = tally.time_us, len(self.needed)
        return {
            "time_ms": time_us / 1e3,
            "time_over_bound": time_us / self.bound_us,
            "time_over_lru": time_us / self.weak_us,
            "time_over_known": time_us / self.known_us,
            "known_score": self.score(self.known_us),
            "stall": tally.stall_us / time_us,
            "hit_rate": tally.hits / tally.needed,
            "loads": tally.loads / events,
            "ahead": tally.ahead / max(1, tally.loads),
            "wasted": (tally.ahead - tally.used) / max(1, tally.ahead),
            "link_busy": min(1.0, tally.loads * self.system.load_us / time_us),
        }


def make_scenario(
    name: str,
    regime: str,
    system: System,
    trace: Trace,
    *,
    hint: float = 0.0,
    lookahead: int = 0,
    candidate_seed: int = 0,
) -> Scenario:
    """The scenario with its anchors computed; at first the GPU holds what the history used most."""
    needed, resident_O = trace.needed(system), popular(trace.history_RLE, system.capacity)
    return Scenario(
        name=name,
        regime=regime,
        system=system,
        trace=trace,
        hint=hint,
        lookahead=lookahead,
        candidate_seed=candidate_seed,
        needed=needed,
        resident_O=resident_O,
        weak_us=run(system, needed, resident_O, least_recently_used(system, needed)).time_us,
        bound_us=time_bound_us(system, needed, resident_O),
        known_us=clairvoyant_us(system, needed, resident_O),
    )


def read_ahead(ahead: Ints, objects: int) -> list[int]:
    """The objects to load ahead, those before the first -1.

    Raises:
        CandidateFailure: `INVALID`: no such object, one named twice, or one after the first -1.
    """
    listed: list[int] = ahead.tolist()
    wanted = listed[: listed.index(NONE)] if NONE in listed else listed
    if any(one != NONE for one in listed[len(wanted) :]):
        raise _invalid(f"nothing but {NONE} after the first {NONE}", f"{listed}")
    for one in wanted:
        if not 0 <= one < objects:
            raise _invalid(f"objects from 0 to {objects - 1}, then {NONE}", f"{one}")
    if len(set(wanted)) < len(wanted):
        raise _invalid("each object once", f"{wanted}")
    return wanted


def _invalid(expected: str, found: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, f"ahead: expected {expected}, found {found}")
