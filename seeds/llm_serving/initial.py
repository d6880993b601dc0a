"""Around the EVOLVE-BLOCK: the task's replies made of small functions and constants, for a `Policy` that asks `Scored`.

Method: at first least-outstanding-requests routing, as load balancers do it, first come first served, over batches of
Sarathi-Serve with chunks of 512 tokens (Agrawal et al., OSDI 2024); each further idea was at its neutral value.

`replica` holds arrays with an entry per replica; `request` holds numbers. `config` is what the program is told of the
fleet (knots and linear_s for the time of an iteration, mean_output, goal, ...), and `memory` a dict, empty before the
first request, that is kept to the last one of the instance.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s quality",
)

# EVOLVE-BLOCK-START
OUTSTANDING = 1.0  # per request waiting or running
QUEUED = 0.0  # per second of prompts still to compute
OWN_PROMPT = 0.0  # per second of this prompt there: counts cached prefixes and unequal replicas
DECODE_LOAD = 0.0  # per second of a decode iteration there
MEMORY = 0.0  # per share of the KV cache in use
QUALITY = 0.0  # in favour of a better model, per unit of its quality
SHORT_FIRST = 0.0  # seconds of patience per prompt token: 0 is first come first served
LONG_OUTPUT = 0.0  # the same per predicted output token
URGENCY = 0.0  # seconds ahead per level of priority
CHUNK = 512  # tokens per iteration, decodes included
PACE = 0.0  # an iteration with prefill may take this share of the TPOT limit; 0 is no limit
PREFILL_FIRST = False  # whole new prompts before any decode
RETAIN = 0.0  # seconds that a prefix is kept longer per token
SWAP = False  # whether preempted requests keep their KV in host memory
CLOCK = 1.0  # share of the highest, where energy counts
FILL = 0.0  # share of the TPOT limit up to which iterations are filled with fine-tuning, where that counts


def route_score(request, replica, config, memory):
    """How bad each replica would be for the request; the smallest takes it."""
    score = OUTSTANDING * (replica.running + replica.waiting)
    score = score + QUEUED * replica.queued_s + OWN_PROMPT * replica.prompt_s - QUALITY * replica.quality
    return score + DECODE_LOAD * replica.iteration_s + MEMORY * replica.kv_used / replica.kv_capacity


def decode_score(request, replica, config, memory):
    """The same for its decodes, in fleets where prompts and decodes have replicas of their own."""
    return OUTSTANDING * (replica.running + replica.waiting) + MEMORY * replica.kv_used / replica.kv_capacity


def order_key(request, now, config, memory):
    """Smaller is served first; the arrival time in it keeps anyone from waiting for ever."""
    patience = SHORT_FIRST * request.prompt + LONG_OUTPUT * request.predicted
    return request.arrival_s + patience - URGENCY * request.priority


def budget(request, replica, config, memory):
    """Tokens per iteration of each replica, decodes included."""
    return np.full(replica.running.shape, CHUNK)


def clock(request, replica, config, memory):
    """Share of the highest clock that each replica runs at, where energy counts."""
    return np.full(replica.running.shape, CLOCK)


def fine_tuning_s(request, replica, config, memory):
    """Length up to which each replica's iterations are filled with fine-tuning, where that counts."""
    return np.full(replica.running.shape, FILL * request.slo_tpot_s)


class Policy:
    """The task's interface, one call per request. Any other method may stand here."""

    def __init__(self, config):
        self.scored = Scored(config)

    def options(self):
        """What else is wanted of the engine."""
        return self.scored.options()

    def arrive(self, now, request, replicas):
        """Where the request goes, how urgent it is, and the pace of every replica."""
        return self.scored.arrive(now, request, replicas)


# EVOLVE-BLOCK-END


class Scored:
    """Replies made of the functions above, with something finite instead of what is not."""

    def __init__(self, config):
        self.config = config
        self.memory = {}

    def options(self):
        """What else is wanted of the engine."""
        return {"prefill_first": bool(PREFILL_FIRST), "swap": bool(SWAP)}

    def arrive(self, now, request, replicas):
        """Where the request goes, how urgent it is, and the pace of every replica."""
        request, replica = Request(*request.tolist()), Replicas(*replicas, self.config["quality"])
        known = request, replica, self.config, self.memory
        tokens = _finite(budget(*known), replica, 512)
        pace_s = min(max(float(PACE) * request.slo_tpot_s, 0.0), 10.0)
        return {
            "route": _finite(route_score(*known), replica, 1e18),
            "decode_route": _finite(decode_score(*known), replica, 1e18),
            "key": float(_finite(order_key(request, now, self.config, self.memory), None, 0.0)),
            "budget": np.minimum(np.maximum(tokens, 32), 16384).astype(np.int64),
            "target_s": replica.decodes * pace_s,  # where nobody decodes, nobody waits for a token
            "retain_s": min(max(float(RETAIN) * request.prompt, -1e6), 1e6),
            **self.beside(*known),
        }

    def beside(self, *known):
        """What a goal beside latency asks for: little energy (1) or fine-tuning (2)."""
        replica = known[1]
        if self.config["goal"] == 1:
            return {"frequency": np.clip(_finite(clock(*known), replica, 1.0), 0.5, 1.0)}
        if self.config["goal"] == 2:
            return {"tune_s": np.clip(_finite(fine_tuning_s(*known), replica, 0.0), 0.0, 10.0)}
        return {}


def _finite(score, replica, instead):
    """`score` with something finite instead of what is not, one per replica where there are replicas."""
    score = np.asarray(score, dtype=float)
    if replica is not None and score.shape != replica.running.shape:
        score = score + np.zeros(replica.running.shape)
    return np.where(np.isfinite(score), score, instead)
