"""Transactions from a user's file.

A transaction is a list of ``"r-KEY"``, ``"w-KEY"`` and ``"*"`` (a slot of work on nothing shared), or one text of these
with spaces between. A file is JSON: a list of transactions; an object of such lists by name; or an object of texts, the
form of the public ADRS task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evaluators.contract import ContractError, ParameterValue, Split
from evaluators.parameters import file_path
from evaluators.scheduling.transaction_order.batch import Batch, make_batch
from evaluators.scheduling.transaction_order.parameters import MOST_TRANSACTIONS
from evaluators.scheduling.transaction_order.workloads import Access, numbered
from evaluators.stretches import SHORTEST, STRETCHES
from evaluators.user_file import read_json

MOST_BYTES = 64 << 20
MOST_OPERATIONS = 1000  # of one transaction
LEFT_OUT = 0.1  # of a batch that is too short for stretches, each instance lacks this share
FREE = "*"  # an operation that accesses nothing others could
_WRITES = {"r": False, "w": True}


@dataclass(frozen=True, slots=True)
class Recording:
    """The batches of one file, each a list of transactions in order of arrival."""

    batches: Mapping[str, Sequence[Sequence[Access]]]

    def whole(self, size: int) -> list[tuple[str, Batch]]:
        """Every batch as it is; one too long for an order of its own is cut into runs of `size` transactions."""
        found = []
        for name, rows in self.batches.items():
            step = len(rows) if len(rows) <= MOST_TRANSACTIONS else size
            runs = [rows[at : at + step] for at in range(0, len(rows) - 1, step)]  # one alone has no order
            found += [(f"{name}-{at}" if len(runs) > 1 else name, _as_recorded(run)) for at, run in enumerate(runs)]
        return found

    def part(self, index: int, size: int, split: Split, rng: np.random.Generator) -> Batch:
        """A part of a batch, keys renumbered: batches are taken in turns.

        Of a long one, a run of `size` transactions from the split's stretch, as they arrived. Of a short one, nine
        tenths of the transactions in random order, in every split: then the hold-out is no other workload.
        """
        rows = list(self.batches.values())[index % len(self.batches)]
        if SHORTEST * len(rows) >= size:
            first, last = (int(share * len(rows)) for share in STRETCHES[split])
            start = int(rng.integers(first, last - size + 1))
            return make_batch(numbered(rows[start : start + size], rng))
        kept = rng.permutation(len(rows))[: min(len(rows) - int(LEFT_OUT * len(rows)), MOST_TRANSACTIONS)]
        return make_batch(numbered([rows[place] for place in kept], rng))


@lru_cache(maxsize=1)
def read_recording(value: ParameterValue) -> Recording:
    """The transactions in a file parameter's value.

    Raises:
        ContractError: Not such a file; says which transaction and operation departs from the form, and how.
    """
    path = file_path(value)
    where = f"workload {path}"
    content = read_json(path, where, most_bytes=MOST_BYTES)
    one = isinstance(content, list) or (isinstance(content, dict) and _is_public_form(content))
    named = {path.stem: content} if one else content
    if not isinstance(named, dict) or not named:
        raise ContractError(f"{where}: expected a list of transactions, or an object of such lists by name")
    return Recording({name: _batch(rows, f"{where}: {name}") for name, rows in named.items()})


def _is_public_form(content: Mapping[str, object]) -> bool:
    """Whether it is one object with a text per transaction, as in the public ADRS task."""
    return bool(content) and all(isinstance(value, str) for value in content.values())


def _batch(rows: object, where: str) -> Sequence[Sequence[Access]]:
    transactions = list(rows.values()) if isinstance(rows, dict) and _is_public_form(rows) else rows
    if not isinstance(transactions, list) or len(transactions) < 2:
        raise ContractError(f"{where}: expected a list of two or more transactions, found {_kind(transactions)}")
    return [_transaction(row, place, f"{where}, transaction {place}") for place, row in enumerate(transactions)]


def _transaction(row: object, number: int, where: str) -> Sequence[Access]:
    operations = row.split() if isinstance(row, str) else row
    if not isinstance(operations, list):
        raise ContractError(f"{where}: expected a list of operations, found {type(operations).__name__}")
    if not 1 <= len(operations) <= MOST_OPERATIONS:
        raise ContractError(f"{where}: expected 1 to {MOST_OPERATIONS} operations, found {len(operations)}")
    return [
        (False, (number, place)) if text == FREE else _operation(text, f"{where}, operation {place}")
        for place, text in enumerate(operations)
    ]


def _operation(text: object, where: str) -> Access:
    if isinstance(text, str):
        kind, dash, key = text.partition("-")
        if kind in _WRITES and dash and key:
            return _WRITES[kind], key
    raise ContractError(f'{where}: expected "r-KEY", "w-KEY" or "{FREE}", found {text!r:.40}')


def _as_recorded(rows: Sequence[Sequence[Access]]) -> Batch:
    return make_batch(numbered(rows, np.random.default_rng(0)))


def _kind(value: object) -> str:
    return f"one of {len(value)}" if isinstance(value, list) else type(value).__name__
