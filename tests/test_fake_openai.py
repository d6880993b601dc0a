"""The stand-in server: what tests of the whole path rely on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.blocks import outside_blocks
from evolve.patch import ReplyForm, apply_reply
from tests.fake_openai import FakeModel, FakeOpenAI, Fault, FaultPlan, fake_openai
from tests.fake_openai.answering import answer, genetic_child, parent_of, search_replace

PARENT = Path("seeds/expert_replication/initial.py")
SOURCE = (Path(__file__).parents[1] / PARENT).read_text()
DIFF = f"Reply with blocks:\n<<<<<<< SEARCH\n\n```python inspiration\n{SOURCE}```\n\n````python parent\n{SOURCE}````\n"
FULL = f"Write it anew.\n\n```python parent\n{SOURCE}```\n"


def test_parent_is_the_block_that_is_called_so() -> None:
    other = DIFF.replace("python inspiration", "python").replace("DECAY = 0.5", "DECAY = 0.25", 1)
    assert parent_of(other) == SOURCE
    assert parent_of(FULL.replace("python parent", "python")) == SOURCE
    assert parent_of("no program here") is None


@pytest.mark.parametrize("seed", range(6))
def test_edits_lead_from_the_parent_to_the_child(seed: int) -> None:
    child = genetic_child(SOURCE, np.random.default_rng(seed))
    assert child is not None
    assert apply_reply(SOURCE, search_replace(SOURCE, child), ReplyForm.DIFF).source == child


def test_good_reply_is_a_new_program_in_the_form_asked_for() -> None:
    edited = apply_reply(SOURCE, answer(DIFF, 1.0, seed=1), ReplyForm.DIFF).source
    whole = apply_reply(SOURCE, answer(FULL, 1.0, seed=1), ReplyForm.FULL).source
    for child in (edited, whole):
        assert child != SOURCE
        compile(child, "child", "exec")
        assert outside_blocks(child) == outside_blocks(SOURCE)


def test_replies_follow_from_prompt_seed_and_repeat() -> None:
    assert answer(DIFF, 0.9, seed=1) == answer(DIFF, 0.9, seed=1)
    assert answer(DIFF, 1.0, seed=1) != answer(DIFF, 1.0, seed=1, repeat=1)


def test_quality_is_the_share_of_real_edits() -> None:
    tiny = "# EVOLVE-BLOCK-START\nRATE = 0.5\nSIZE = 3\n# EVOLVE-BLOCK-END\n"
    prompt = f"Edits like\n<<<<<<< SEARCH\n```python parent\n{tiny}```\n"
    real = [answer(prompt, 0.7, seed=1, repeat=i).startswith("CHANGE: a genetic edit") for i in range(200)]
    assert 0.55 < sum(real) / 200 < 0.85
    assert not any(answer(prompt, 0.0, seed=1, repeat=i).startswith("CHANGE: a genetic edit") for i in range(20))


def test_faults_follow_from_the_plan() -> None:
    plan = FaultPlan(script=(Fault.HANG, None), share=0.3, seed=5)
    assert [plan.fault_of(0), plan.fault_of(1)] == [Fault.HANG, None]
    later = [plan.fault_of(i) for i in range(2, 1002)]
    assert later == [plan.fault_of(i) for i in range(2, 1002)]
    assert 0.25 < sum(fault is not None for fault in later) / 1000 < 0.35


def get(server: FakeOpenAI, path: str) -> Any:
    return json.load(
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(server.url[:-3] + path, timeout=10)
    )


def post(server: FakeOpenAI, path: str, body: object) -> bytes:
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), method="POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
        return bytes(response.read())


def test_models_and_numbers_are_listed() -> None:
    with fake_openai(FakeModel(name="a", text="x"), FakeModel(name="b")) as server:
        post(server, "/chat/completions", {"model": "a", "messages": [{"role": "user", "content": "hi"}]})
        assert [model["id"] for model in get(server, "/v1/models")["data"]] == ["a", "b"]
        numbers = get(server, "/stats")
    assert numbers["requests"] == numbers["replies"] == 1
    assert numbers["by_model"] == {"a": 1}


def test_stream_is_sent_when_asked_for() -> None:
    with fake_openai(FakeModel(name="a", text="word " * 100)) as server:
        body = {"model": "a", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        lines = post(server, "/chat/completions", body).decode().splitlines()
    events = [line.removeprefix("data: ") for line in lines if line]
    assert events[-1] == "[DONE]"
    deltas = [json.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-1]]
    assert "".join(deltas) == "word " * 100


def test_embeddings_of_like_texts_are_near() -> None:
    with fake_openai(FakeModel(name="e")) as server:
        texts = ["sort experts by load", "sort experts by mean load", "a train to the sea in winter"]
        rows = json.loads(post(server, "/embeddings", {"model": "e", "input": texts}))["data"]
    one, near, far = (np.array(row["embedding"]) / np.linalg.norm(row["embedding"]) for row in rows)
    assert one @ near > one @ far + 0.3


def test_process_of_its_own_serves_and_ends() -> None:
    command = [sys.executable, "-m", "tests.fake_openai", "--port", "0", "--models", "good:0.9,bad:0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
    assert "/v1 serves good, bad; numbers at http://127.0.0.1:" in line
    assert process.returncode == 0


def test_shutdown_does_not_wait_for_calls_that_hang() -> None:
    async def hang(server: FakeOpenAI) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        body = b'{"model": "a", "messages": []}'
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        while not server.in_flight:
            await asyncio.sleep(0.001)
        writer.close()
        del reader

    with fake_openai(FakeModel(name="a", faults=FaultPlan(script=(Fault.HANG,)))) as server:
        asyncio.run(hang(server))
    assert server.in_flight == 0
