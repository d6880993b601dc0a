"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
Transactions are lists of reads and writes of keys. Once started, a transaction does one operation per slot: operation p
in slot start + p. Two transactions conflict on a key that both access and one writes. The transactions are admitted one
after the other, and of two that conflict the one admitted first comes first, in an earlier slot, on every key; reads
share. Each starts as early as the ones admitted before it allow. The last slot in use, the makespan, is to be small.

`Policy(config)` is made once per batch. `config` holds kind ("batch" or "stream"), transactions (how many in all),
waiting, admit (both as below) and seed.

`order(batch: dict) -> int64 array (W,)`: a permutation of the rows 0 .. W - 1 of the W transactions that wait.
- kind "batch": called once, with all transactions, which are all admitted in that order (waiting = admit = W).
- kind "stream": the queue is always full; the `waiting` oldest that are not admitted are shown, oldest first. The first
  `admit` of the order are admitted, the next ones arrive, and it is called again, until all are admitted.
`batch` holds
- lengths (W,): operations of each, M of the longest of them; keys (W, M): the keys in order, -1 behind the last;
  writes (W, M) bool: whether the operation writes (a key may occur several times in a transaction);
- delays (W, W): if i is admitted before j, then start[j] >= start[i] + delays[i, j]: the largest p - q + 1 over
  conflicting operations p of i and q of j. Often negative; -1000000 without conflict and on the diagonal;
- ready (W,): the slot in which each could start now, given all that have been admitted (0 at first);
- makespan: slots in use so far; admit: how many are admitted now; later: how many have not arrived yet.

Admitting i means: start = ready[i]; makespan = max(makespan, start + lengths[i]);
ready = maximum(ready, start + delays[i]). So an order can be tried in a few lines, within the CPU time of a batch: two
seconds for 60 to 300 transactions, all calls together. Count moves, not seconds: scores must repeat. Rows that are
missing, doubled or out of range are an invalid answer. The numbers of keys tell nothing.
"""
POLICY = EntryPoint(
    name="Policy",
    signature="class Policy: __init__(self, config: dict); order(self, batch: dict) -> int64 array (W,)",
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score",
        "1",
        _UP,
        "mean of (C_arrival - C) / (C_arrival - bound): 0 in order of arrival, 1 at the proven bound of the batch",
    ),
    MetricSpec("makespan", "slot", _DOWN, "slots until the last transaction has ended (C)"),
    MetricSpec("makespan_over_bound", "1", _DOWN, "C / bound; 1 is often out of reach"),
    MetricSpec("makespan_over_arrival", "1", _DOWN, "C / C_arrival"),
    MetricSpec("in_flight", "1", _UP, "operations per slot, on average"),
    MetricSpec("moved", "%", _DOWN, "mean distance from the place of arrival, of the number of transactions"),
    MetricSpec("overtaking", "%", _UP, "share of the transactions that start before one admitted earlier"),
    MetricSpec(
        "makespan_over_known", "1", _DOWN, "C over the least makespan that the search found, if one was asked for"
    ),
    MetricSpec("known_score", "1", _UP, "score of that makespan; no program's doing"),
)
