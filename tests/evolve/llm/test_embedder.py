from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from archive.records import Candidate
from archive.store import Archive
from evolve.cli.sessions import read_options
from evolve.config import RunConfig
from evolve.errors import ConfigError
from evolve.llm.embedder import Embedder, EmbeddingError
from evolve.llm.model import Finish, ModelFailure, ModelSpec
from evolve.llm.openai_compatible import OpenAICompatibleModel
from evolve.llm.retrying import RetryPolicy
from tests.fake_openai import FakeModel, Fault, FaultPlan, fake_openai

ONE, OTHER = Candidate.of("def place():\n    return 1\n"), Candidate.of("def place():\n    return 2\n")


class Scripted:
    """Each answer in turn; a failure is raised."""

    def __init__(self, *answers: tuple[float, ...] | ModelFailure) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def embed(self, text: str) -> tuple[float, ...]:
        self.asked.append(text)
        answer = self._answers.pop(0)
        if isinstance(answer, ModelFailure):
            raise answer
        return answer


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


async def no_sleep(seconds: float) -> None:
    assert seconds >= 0


def vectors(archive: Archive, model: Scripted | None, *candidates: Candidate) -> dict[str, list[float]]:
    embedder = Embedder("small", archive, model, RetryPolicy(max_tries=3), now=lambda: 0.0, sleep=no_sleep)
    found = asyncio.run(embedder.vectors(candidates, np.random.default_rng(0)))
    return {candidate_id: vector.tolist() for candidate_id, vector in found.items()}


def a_failure(finish: Finish, *, permanent: bool = False) -> ModelFailure:
    return ModelFailure(finish, "no", latency_s=0.0, permanent=permanent)


def test_each_program_is_asked_for_once_and_then_known_without_a_server(archive: Archive) -> None:
    model = Scripted((1.0, 0.5), (0.0, 2.0))
    expected = {ONE.id: [1.0, 0.5], OTHER.id: [0.0, 2.0]}
    assert vectors(archive, model, ONE) | vectors(archive, model, ONE, OTHER) == expected
    assert model.asked == [ONE.source, OTHER.source]
    assert vectors(archive, None, ONE, OTHER) == expected


def test_without_a_server_what_is_not_archived_is_left_out(archive: Archive) -> None:
    assert vectors(archive, None, ONE) == {}


def test_passing_failures_are_tried_again_and_lasting_ones_give_up(archive: Archive) -> None:
    rate_limited = a_failure(Finish.RATE_LIMITED)
    assert vectors(archive, Scripted(rate_limited, (1.0,)), ONE) == {ONE.id: [1.0]}
    assert vectors(archive, Scripted(*[rate_limited] * 3), OTHER) == {}
    assert vectors(archive, Scripted(a_failure(Finish.REFUSED)), OTHER) == {}


def test_a_wrong_key_ends_the_run_with_a_sentence(archive: Archive) -> None:
    with pytest.raises(EmbeddingError, match="'small' gives no embeddings: refused: no"):
        vectors(archive, Scripted(a_failure(Finish.REFUSED, permanent=True)), ONE)


def embed(*texts: str, fault: Fault | None = None) -> list[tuple[float, ...] | Finish]:
    plan = FaultPlan(script=(fault,)) if fault else FaultPlan()

    async def ask(url: str) -> list[tuple[float, ...] | Finish]:
        model = OpenAICompatibleModel(ModelSpec(name="m", base_url=url, try_timeout_s=5.0), "", use_proxies=False)
        found: list[tuple[float, ...] | Finish] = []
        for text in texts:
            try:
                found.append(await model.embed(text))
            except ModelFailure as failure:
                found.append(failure.finish)
        await model.close()
        return found

    with fake_openai(FakeModel(name="m", faults=plan)) as server:
        return asyncio.run(ask(server.url))


def test_a_server_gives_finite_numbers_alike_for_alike_texts() -> None:
    one, same, other = embed("a = 1", "a = 1", "b = 2 # \ud800")
    assert one == same != other
    assert isinstance(one, tuple)
    assert struct.pack(f"<{len(one)}f", *one)


@pytest.mark.parametrize(
    ("fault", "finish"),
    [
        (Fault.RUBBISH_JSON, Finish.SERVER_ERROR),
        (Fault.RATE_LIMITED, Finish.RATE_LIMITED),
        (Fault.DROPPED, Finish.CONNECTION),
        (Fault.NOT_FOUND, Finish.REFUSED),
    ],
)
def test_a_fault_has_its_name(fault: Fault, finish: Finish) -> None:
    assert embed("a = 1", fault=fault) == [finish]


def options(tmp_path: Path, text: str) -> RunConfig:
    path = tmp_path / "run.toml"
    path.write_text(text)
    return read_options("toy", path, [], {})


def test_a_run_file_names_the_model_of_the_embeddings(tmp_path: Path) -> None:
    table = 'near_duplicates = "reject"\n[embedding]\nname = "small"\nbase_url = "http://127.0.0.1:1/v1"\n'
    config = options(tmp_path, table)
    assert config.embedding is not None
    assert (config.embedding.name, config.embedding.base_url) == ("small", "http://127.0.0.1:1/v1")
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert options(tmp_path, "").embedding is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('embedding = "small"\n', "expected a table that names a model, found 'small'"),
        ('[embedding]\nname = "small"\nbase = "x"\n', r"\[embedding\] has an unknown key 'base'"),
    ],
)
def test_a_table_that_names_no_model_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        options(tmp_path, text)
