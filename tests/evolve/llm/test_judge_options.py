"""What a run file may say of a judge, and what is refused before anything is created."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolve.choices import NearDuplicates
from evolve.cli.sessions import read_options
from evolve.config import RunConfig
from evolve.errors import ConfigError
from evolve.llm.prices import Price

URL = 'base_url = "http://127.0.0.1:1/v1"\n'
EMBEDDING = f'[embedding]\nname = "small"\n{URL}'
QWEN = f'[[models]]\nname = "qwen"\n{URL}'


def options(tmp_path: Path, text: str) -> RunConfig:
    path = tmp_path / "run.toml"
    path.write_text(f'near_duplicates = "judge"\n{text}')
    return read_options("toy", path, [], {})


def test_one_of_the_models_judges_by_its_name(tmp_path: Path) -> None:
    config = options(tmp_path, f'judge = "qwen"\n{EMBEDDING}{QWEN}')
    assert config.near_duplicates is NearDuplicates.JUDGE
    assert config.active_judge == config.models[0]
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_a_judge_of_its_own_has_the_keys_of_a_model_with_its_price(tmp_path: Path) -> None:
    table = f'[judge]\nname = "j"\n{URL}temperatures = [0.0]\nprice = {{prompt = 1.0, reply = 4.0}}\n'
    config = options(tmp_path, f"{EMBEDDING}{QWEN}price = 0\n{table}")
    assert config.active_judge is not None
    assert (config.active_judge.name, config.active_judge.temperatures) == ("j", (0.0,))
    assert config.model_prices == {"qwen": Price(0.0, 0.0), "j": Price(1.0, 4.0)}
    assert [model.name for model in config.models] == ["qwen"]


def test_a_judge_is_asked_only_where_the_run_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(f'judge = "qwen"\n{EMBEDDING}{QWEN}')
    config = read_options("toy", path, [], {})
    assert config.near_duplicates is NearDuplicates.FLAG
    assert config.active_judge is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EMBEDDING, 'needs a model to ask: write judge = "NAME"'),
        (f'judge = "qwen"\n{QWEN}', r"needs an \[embedding\] table"),
        (f'judge = "qwem"\n{EMBEDDING}{QWEN}', r"'qwen'\) or a \[judge\] table, found 'qwem'; did you mean 'qwen'"),
        (f'judge = "qwen"\n{EMBEDDING}', "none are named"),
        (f'{EMBEDDING}{QWEN}[judge]\nname = "qwen"\n', 'write judge = "qwen" to ask that one'),
        (f'{EMBEDDING}[judge]\nnam = "j"\n', r"\[judge\] has an unknown key 'nam'; did you mean 'name'"),
        (f'{EMBEDDING}[judge]\nname = "j"\nprice = "free"\n', "model 'j': price: expected 0 or"),
        (f"judge = 3\n{EMBEDDING}", r"\[judge\]: expected a table that names a model, found '3'"),
    ],
)
def test_a_run_file_that_cannot_be_meant_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        options(tmp_path, text)
