"""Readers of public request traces, gzipped or not: Azure CSV, BurstGPT CSV, Mooncake JSONL.

Formats: github.com/Azure/AzurePublicDataset (AzureLLMInferenceTrace), github.com/HPMLL/BurstGPT,
github.com/kvcache-ai/Mooncake (FAST25-release/traces).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evaluators.contract import ContractError
from evaluators.scheduling.llm_serving.requests import BLOCK_TOKENS
from evaluators.user_file import read_text, told_columns

MOST_BYTES = 1 << 30
_AZURE = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_BURST_GPT = ("Timestamp", "Request tokens", "Response tokens")
_MOONCAKE = ("timestamp", "input_length", "output_length")


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One recorded request; the time counts from the first row."""

    at_s: float
    prompt: int
    output: int
    blocks: tuple[int, ...] = ()  # ids of the prompt's whole blocks


def read_trace(path: Path) -> Sequence[TraceRow]:
    """The requests of a trace, its format known by its columns.

    Raises:
        ContractError: Not one of the formats, a column that is missing or does not parse, times that fall, or lengths
            that are not positive; the row is named.
    """
    try:
        rows = list(_rows(path))
    except csv.Error as error:
        raise ContractError(f"{path.name}: expected CSV or JSON lines, found {error}") from error
    if len(rows) < 2:
        raise ContractError(f"{path.name}: expected at least 2 requests, found {len(rows)}")
    for number, (row, before) in enumerate(zip(rows[1:], rows, strict=False), start=2):
        if not row.at_s >= before.at_s:
            raise ContractError(
                f"{path.name}: request {number} comes at {row.at_s:g} s, before the one above it ({before.at_s:g} s); "
                "sort the trace by time"
            )
    for number, row in enumerate(rows, start=1):
        if row.at_s < 0 or row.prompt < 1 or row.output < 1:
            raise ContractError(
                f"{path.name}: request {number}: expected a time of 0 or later and at least one prompt and one output "
                f"token, found {row.at_s:g} s, {row.prompt} and {row.output}"
            )
    first_s = rows[0].at_s
    return [TraceRow(row.at_s - first_s, row.prompt, row.output, row.blocks) for row in rows]


def _rows(path: Path) -> Iterator[TraceRow]:
    text = read_text(path, f"cannot read the trace {path}", "CSV or JSON lines", MOST_BYTES)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lstrip().startswith("{"):
        yield from _parsed(path, _json_lines(path, text), _mooncake_row)
        return
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = tuple(reader.fieldnames or ())
    if set(_AZURE) <= set(columns):
        yield from _parsed(path, reader, _azure_row)
    elif set(_BURST_GPT) <= set(columns):
        # BurstGPT keeps failed requests, with no response tokens; they take no time and are left out
        answered = (row for row in reader if row["Response tokens"] not in ("0", "0.0"))
        yield from _parsed(path, answered, _burst_gpt_row)
    else:
        raise ContractError(
            f"{path.name}: expected the columns {', '.join(_AZURE)} (Azure) or {', '.join(_BURST_GPT)} (BurstGPT), or "
            f"JSON lines with {', '.join(_MOONCAKE)} (Mooncake); found {told_columns(columns)}"
        )


def _json_lines(path: Path, text: str) -> Iterator[Mapping[str, object]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:  # no JSON, or a number of thousands of digits
                raise ContractError(f"{path.name}: line {number} is no JSON: {error}") from error
            if not isinstance(row, dict):
                raise ContractError(f"{path.name}: line {number} is no JSON object")
            yield row


def _parsed(
    path: Path,
    rows: Iterator[Mapping[str, object]] | csv.DictReader[str],
    parse: Callable[[Mapping[str, object]], TraceRow],
) -> Iterator[TraceRow]:
    for number, row in enumerate(rows, start=1):
        try:
            yield parse(row)
        except KeyError as error:
            raise ContractError(f"{path.name}: request {number} lacks {error.args[0]!r}") from error
        except (ValueError, TypeError, OverflowError) as error:
            raise ContractError(f"{path.name}: request {number} cannot be read: {error}") from error


def _azure_row(row: Mapping[str, object]) -> TraceRow:
    whole, _, fraction = str(row["TIMESTAMP"]).partition(".")
    # seven digits of a second are more than `fromisoformat` takes
    at = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp() + float(f"0.{fraction or 0}")
    return TraceRow(at, _count(row["ContextTokens"]), _count(row["GeneratedTokens"]))


def _burst_gpt_row(row: Mapping[str, object]) -> TraceRow:
    return TraceRow(_number(row["Timestamp"]), _count(row["Request tokens"]), _count(row["Response tokens"]))


def _mooncake_row(row: Mapping[str, object]) -> TraceRow:
    prompt = _count(row["input_length"])
    ids = row.get("hash_ids", [])
    if not isinstance(ids, list):
        raise TypeError("hash_ids is no list")
    whole = prompt // BLOCK_TOKENS  # the last, partial block can be shared with nobody
    return TraceRow(
        _number(row["timestamp"]) / 1e3, prompt, _count(row["output_length"]), tuple(map(_count, ids[:whole]))
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"expected a number, found {value!r}")
    return float(value)


def _count(value: object) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError(f"expected a whole number, found {value!r}")
    return int(number)
