"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import Direction, EntryPoint, MetricSpec
from evaluators.scheduling.llm_serving.pace import LOWEST_FREQUENCY, POWER_EXPONENT, READING_POWER, TUNING_COST
from evaluators.scheduling.llm_serving.views import REPLICA_FIELDS, REQUEST_FIELDS, ROW_FIELDS


def _listed(fields: Sequence[tuple[str, str]]) -> str:
    return ";\n  ".join(f"{i} {name}{': ' + told if told else ''}" for i, (name, told) in enumerate(fields))


_NUM_REQUEST, _NUM_REPLICA, _NUM_ROW = len(REQUEST_FIELDS), len(REPLICA_FIELDS), len(ROW_FIELDS)
_DESCRIPTION = f"""\
A fleet of language-model replicas serves requests; each replica runs one iteration after another: all its decoding
sequences get a token, and prompts are computed in chunks beside them. `Policy(config)` is made once per scenario.
`config` holds replicas (R) and, per replica, role (0 both, 1 prompts only, 2 decodes only), kv_tokens, knots and
linear_s (seconds of an iteration's linear part by number of tokens), decode_fixed_s, decode_s (per KV token read),
prefill_fixed_s, prefill_pair_s (per token x context), prefill_s (per token), cpu_s, least_s_per_token,
kv_bytes_per_token; and link_bytes_per_s, max_running, block_tokens, mean_prompt, mean_output (the service's history),
seed; goal (0 none, 1 little energy, 2 fine-tuning, 3 quality) and, per replica, quality, weights_s, idle_w, dynamic_w,
host_bytes_per_s; and lowest_frequency.

`options()` returns a dict, all keys optional: "prefill_first" (bool: whole new prompts before any decode, as vLLM
does), "batches" (bool: `batch` is called), "rebalance_s" (float: `rebalance` is called that often, at least 0.05; 0
never), "swap" (bool: preempted requests keep their KV in host memory; the copies hold up the next iteration).

`arrive(now: float, request: float64[{_NUM_REQUEST}], replicas: float64[{_NUM_REPLICA}, R])` is called once per request.
request:
  {_listed(REQUEST_FIELDS)}.
replicas, a row per field, all as of `now`:
  {_listed(REPLICA_FIELDS)}.
Returns a dict: "route": float64[R], the replica with the smallest takes it (those that cannot are left out); "key":
float, smaller is served first and preempted last (arrival_s is first come, first served; adding w * arrival_s to any
key ages it); optionally "budget": int64[R], tokens per iteration of each replica, decodes included (32 to 16384; 512
until set);
"target_s": float64[R], iterations with prefill take at most that long, 0 is no limit; "decode_route": float64[R], who
decodes, where roles are split ("route" until given); "retain_s": float, the request's prefix counts as used that much
later when the cache drops the oldest; "hold": bool, ask again in 0.1 s, at most 10 times; and, from the next iteration
of each replica on: "frequency": float64[R], clock as a share of the highest ({LOWEST_FREQUENCY:g} to 1; 1 until set);
"tune_s": float64[R], iterations are filled with fine-tuning up to that length, idle ones too (0, never, until set).
Full KV: the running request with the largest key is preempted and, unless swapped, computed anew later; where only
decodes run it arrives anew. A replica that fails loses all; its requests arrive anew.
At a clock f the seconds bound by computing (the linear part beyond weights_s, prompts' attention) take 1 / f as long;
watts are idle_w + dynamic_w * f ** {POWER_EXPONENT:g} * u, u = 1 while computing, {READING_POWER:g} while memory is the
limit. A fine-tuned token adds the linear work of {TUNING_COST} tokens.

Only if asked for: `batch(now, replica: int, state: float64[{_NUM_REPLICA}], waiting: float64[w, {_NUM_ROW}],
running: float64[r, {_NUM_ROW}])` before each iteration that could admit or compute a prompt. Columns:
  {_listed(ROW_FIELDS)}.
Returns "admit": int64[w], tokens of each waiting prompt to compute now (1 admits one that has nothing to compute, 0
leaves it); "run": int64[r], of a begun prompt tokens to compute, of a decoding sequence 1 (go on) or 0 (sit out), -1
preempts; "iterations" (optional int): how long a plan without prompts stands if nothing happens. The KV of a whole
prompt must fit beside what runs, a token per decode, and 1 % of the capacity left free.
`rebalance(now, replicas: float64[{_NUM_REPLICA}, R], requests: float64[n, {_NUM_ROW}])` returns "move": int64[n], a
replica for each waiting or decoding request, -1 to stay; decoding ones go on while their KV is copied. A move that
cannot be is ignored, as of an answer that has begun to another model.

Unless set up otherwise a scenario has 3 to 8 replicas (in the tier smoke down to 1) and up to 720 requests in the tier
quick, 1000 in full; all its calls together share the limit of CPU.
"""
POLICY = EntryPoint(
    name="Policy",
    signature=(
        "class Policy: __init__(self, config: dict); options(self) -> dict; "
        "arrive(self, now, request, replicas) -> dict"
    ),
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec("score", "1", _UP, "mean of (U - U_round_robin) / (U_bound - U_round_robin), floor -1; U is `utility`"),
    MetricSpec("utility", "1", _UP, "L = 0.5 attainment + 0.3 speed + 0.2 tail; with a goal 0.6 L + 0.4 goal"),
    MetricSpec(
        "goal", "1", _UP, "the scenario's goal: least energy / energy, fine-tuning / an idle fleet's, or quality"
    ),
    MetricSpec("energy_j_per_token", "J", _DOWN, "of all replicas, idling included, per output token"),
    MetricSpec("tuned_tokens_per_s", "1/s", _UP, "fine-tuned; worth less below 95 % attainment, nothing below 75 %"),
    MetricSpec("quality", "1", _UP, "mean of the models that answered"),
    MetricSpec("attainment", "1", _UP, "share of requests within both SLOs and not starved; urgent ones count triple"),
    MetricSpec("speed", "1", _UP, "mean of least possible latency / latency"),
    MetricSpec("tail", "1", _UP, "the same over the slowest 5 % of requests"),
    MetricSpec("starved", "1", _DOWN, "share of requests slower than 20 times their least latency"),
    MetricSpec("ttft_late", "1", _DOWN, "share whose first token came after its limit; urgent ones count triple"),
    MetricSpec("tpot_late", "1", _DOWN, "share whose further tokens took longer than their limit; likewise"),
    MetricSpec("slo_ttft_s", "s", _UP, "the limit of the first token; the scenario's, not the program's"),
    MetricSpec("slo_ttft_urgent_s", "s", _UP, "that of urgent requests, where there are any"),
    MetricSpec("slo_tpot_ms", "ms", _UP, "the limit of a further token; the scenario's"),
    MetricSpec("ttft_s", "s", _DOWN, "mean time to first token"),
    MetricSpec("ttft_p99_s", "s", _DOWN, "99th percentile of it"),
    MetricSpec("tpot_ms", "ms", _DOWN, "mean time per further token"),
    MetricSpec("tpot_p99_ms", "ms", _DOWN, "99th percentile of it"),
    MetricSpec("latency_s", "s", _DOWN, "mean time to the last token"),
    MetricSpec("latency_p99_s", "s", _DOWN, "99th percentile of it"),
    MetricSpec("token_latency_ms", "ms", _DOWN, "mean of latency / output tokens"),
    MetricSpec("hit_rate", "1", _UP, "prompt tokens found in prefix caches when first admitted / all"),
    MetricSpec("preemptions", "1", _DOWN, "per request"),
    MetricSpec("migrations", "1", _DOWN, "decoding requests moved, per request"),
    MetricSpec("kv_peak", "1", _DOWN, "largest share of a KV cache in use"),
    MetricSpec("calls", "1", _DOWN, "of the program, per request"),
    MetricSpec("load", "1", _UP, "offered rate over the proven capacity bound; the scenario's, not the program's"),
    MetricSpec("simulated_requests_per_s", "1/s", _UP, "per CPU second of worker and child together"),
    MetricSpec("ipc_share", "1", _DOWN, "of these CPU seconds, the worker's in talking to the child"),
    MetricSpec("capacity_rps", "1/s", _UP, "highest rate with 90 % attainment, by bisection; report tier only"),
    MetricSpec("capacity_over_bound", "1", _UP, "that over the proven capacity bound; report tier only"),
)
