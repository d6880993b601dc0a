"""Generators against the recorded traces, and the readers of trace files against good and bad ones."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

from evaluators.contract import ContractError
from evaluators.scheduling.llm_serving.bounds import shareable_tokens
from evaluators.scheduling.llm_serving.bursts import burst_times
from evaluators.scheduling.llm_serving.services import SERVICES, scaled, trace_windows
from evaluators.scheduling.llm_serving.traces import TraceRow, read_trace
from tests.evaluators.scheduling.llm_serving.serving import arrival, trace_file

# service -> recorded trace, and the largest KS distances of gaps, prompts and outputs (None: the trace's clock ticks)
LIKENESS = {
    "conversation": ("AzureLLMInferenceTrace_conv.csv.gz", 0.05, 0.10, 0.05),
    "code": ("AzureLLMInferenceTrace_code.csv.gz", 0.15, 0.05, 0.06),
    "sessions": ("mooncake_conversation_trace.jsonl.gz", None, 0.08, 0.05),
}


def column(rows: Sequence[TraceRow], name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = {"at_s": [r.at_s for r in rows], "prompt": [r.prompt for r in rows], "output": [r.output for r in rows]}
    return np.array(values[name], dtype=np.float64)


def dispersion(times: np.ndarray[tuple[int], np.dtype[np.float64]], window_s: float) -> float:
    """Variance over mean of the counts per window."""
    counts = np.histogram(times, np.arange(0, times[-1], window_s))[0]
    return float(counts.var() / counts.mean())


@pytest.mark.parametrize("service", LIKENESS)
def test_generated_traffic_is_like_the_recorded(service: str) -> None:
    name, gap_ks, prompt_ks, output_ks = LIKENESS[service]
    recorded = read_trace(trace_file(name))
    drawn = SERVICES[service].draw(np.random.default_rng(0), len(recorded))
    assert ks_2samp(column(drawn, "prompt"), column(recorded, "prompt")).statistic < prompt_ks
    assert ks_2samp(column(drawn, "output"), column(recorded, "output")).statistic < output_ks
    if gap_ks is not None:
        gaps = [np.diff(column(rows, "at_s")) for rows in (drawn, recorded)]
        assert ks_2samp(*(g / g.mean() for g in gaps)).statistic < gap_ks
        bursts = [dispersion(column(rows, "at_s"), 10.0) for rows in (drawn, recorded)]
        assert 0.5 < bursts[0] / bursts[1] < 1.5


def test_bursts_come_as_unevenly_as_recorded() -> None:
    """Counts per second, per ten seconds and per minute vary as much as the trace's."""
    recorded = column(read_trace(trace_file("AzureLLMInferenceTrace_code.csv.gz")), "at_s")
    drawn = [burst_times(np.random.default_rng(seed), len(recorded)) for seed in range(6)]
    for window_s in (1.0, 10.0, 60.0):
        mean = np.mean([dispersion(times, window_s) for times in drawn])
        assert mean == pytest.approx(dispersion(recorded, window_s), rel=0.25)


def test_conversations_come_back_as_often_as_recorded() -> None:
    recorded = read_trace(trace_file("mooncake_conversation_trace.jsonl.gz"))
    shares = [_shareable(recorded), *(_shareable(_sessions(seed)) for seed in range(3))]
    assert shares[0] == pytest.approx(0.374, abs=0.002)  # the trace's own
    for share in shares[1:]:
        assert share == pytest.approx(shares[0], abs=0.06)


def _sessions(seed: int) -> Sequence[TraceRow]:
    return SERVICES["sessions"].draw(np.random.default_rng(seed), 1500)


def _shareable(rows: Sequence[TraceRow]) -> float:
    arrivals = [arrival(row.at_s, row.prompt, row.output, row.blocks) for row in rows]
    return sum(shareable_tokens(arrivals)) / sum(row.prompt for row in rows)


@pytest.mark.parametrize("service", SERVICES)
def test_a_stream_repeats_by_its_seed_and_scales_to_a_rate(service: str) -> None:
    rows, again, other = (SERVICES[service].draw(np.random.default_rng(seed), 200) for seed in (1, 1, 2))
    assert rows == again != other
    assert all(a.at_s <= b.at_s for a, b in pairwise(rows))
    assert all(row.prompt >= 1 and row.output >= 1 and 512 * len(row.blocks) <= row.prompt for row in rows)
    assert len(rows) / scaled(rows, 7.0)[-1].at_s == pytest.approx(7.0)


def test_the_hold_out_windows_of_a_trace_are_apart() -> None:
    rows = [TraceRow(float(i), i + 1, 1) for i in range(300)]
    drawn = {
        holdout: {row.prompt for seed in range(20) for row in window(rows, holdout, seed)} for holdout in (True, False)
    }
    assert max(drawn[False]) <= 200 < min(drawn[True])


@pytest.mark.parametrize(("count", "every"), [(3, 1), (300, 60)])
def test_a_part_of_a_trace_that_takes_no_time_is_refused(count: int, every: int) -> None:
    """A hold-out of one request has no rate, nor has a window that falls into one second of a trace of seconds."""
    rows = [TraceRow(float(i // every), 10, 1) for i in range(count)]
    with pytest.raises(ContractError, match="should take some time"):
        [window(rows, holdout=True, seed=seed) for seed in range(20)]


def window(rows: Sequence[TraceRow], holdout: bool, seed: int) -> Sequence[TraceRow]:
    return trace_windows(rows, holdout=holdout).draw(np.random.default_rng(seed), 50)


AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n"
)
BURST_GPT = (
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    "5,ChatGPT,472,18,490,Conversation log\n6,ChatGPT,10,0,10,API log\n45,GPT-4,1087,230,1317,API log\n"
)
MOONCAKE = (
    '{"timestamp": 3000, "input_length": 1100, "output_length": 5, "hash_ids": [0, 1, 2]}\n'
    '{"timestamp": 6000, "input_length": 600, "output_length": 7, "hash_ids": [0, 9]}\n'
)


@pytest.mark.parametrize("packed", [False, True])
def test_the_three_public_formats_are_read(tmp_path: Path, packed: bool) -> None:
    def read(text: str) -> Sequence[TraceRow]:
        path = tmp_path / "trace"
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
        return read_trace(path)

    azure = read(AZURE)
    assert [(r.prompt, r.output) for r in azure] == [(374, 44), (396, 109)]
    assert azure[1].at_s == pytest.approx(4.314579, abs=1e-6)
    assert read(BURST_GPT) == [TraceRow(0.0, 472, 18), TraceRow(40.0, 1087, 230)]  # failed requests are left out
    assert read(MOONCAKE) == [TraceRow(0.0, 1100, 5, (0, 1)), TraceRow(3.0, 600, 7, (0,))]


BAD = {
    "a missing column": (AZURE.replace("ContextTokens", "Context"), "expected the columns"),
    "an empty file": ("", "an empty file"),
    "times that fall": (AZURE.replace("18:15:50", "18:15:40"), "sort the trace by time"),
    "an empty prompt": (AZURE.replace("396", "0"), "at least one prompt"),
    "a negative output": (AZURE.replace("109", "-1"), "at least one prompt"),
    "half a token": (AZURE.replace("109", "10.5"), "whole number"),
    "words": (AZURE.replace("109", "many"), "cannot be read"),
    "a missing cell": (AZURE.replace(",109", ""), "cannot be read"),
    "one request": (AZURE.rsplit("2023", 1)[0], "at least 2 requests"),
    "a missing key": (MOONCAKE.replace("output_length", "output"), "lacks 'output_length'"),
    "no JSON": (MOONCAKE + "{", "is no JSON"),
    "a number without end": (MOONCAKE.replace("3000", "3" * 5000), "is no JSON"),
    "a number beyond floats": (MOONCAKE.replace("3000", "3" * 400), "cannot be read"),
    "a list": (MOONCAKE + "[1]", "no JSON object"),
    "a negative time": (MOONCAKE.replace("3000", "-3000"), "0 or later"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_trace_is_refused_with_its_row(tmp_path: Path, what: str) -> None:
    text, said = BAD[what]
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(ContractError, match=said):
        read_trace(path)


@pytest.mark.parametrize("damaged", [slice(-12, None), slice(20, 40)])
def test_a_trace_that_is_cut_off_or_damaged_is_refused(tmp_path: Path, damaged: slice) -> None:
    path = tmp_path / "trace.gz"
    packed = bytearray(gzip.compress(AZURE.encode()))
    packed[damaged] = b"" if damaged.stop is None else b"\xff" * 20
    path.write_bytes(packed)
    with pytest.raises(ContractError, match="cannot read the trace"):
        read_trace(path)
