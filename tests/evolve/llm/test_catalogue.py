from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from evolve.errors import ConfigError
from evolve.llm.catalogue import build_catalogue, key_of, open_models, parse_model
from evolve.llm.model import Api, ModelSpec
from evolve.llm.prices import FREE, Price
from evolve.llm.servers import is_own_server

LOCAL = "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("option", "name", "base_url"),
    [
        ("gpt-5", "gpt-5", ""),
        (f"good@{LOCAL}", "good", LOCAL),
        ("org/model:free@https://openrouter.ai/api/v1", "org/model:free", "https://openrouter.ai/api/v1"),
        ("sonnet@20250514", "sonnet@20250514", ""),
        (f"sonnet@20250514@{LOCAL}", "sonnet@20250514", LOCAL),
    ],
)
def test_model_option(option: str, name: str, base_url: str) -> None:
    assert parse_model(option) == ModelSpec(name=name, base_url=base_url)


@pytest.mark.parametrize(
    "option", ["", f"@{LOCAL}", "good@localhost/v1", "good@127.0.0.1:8000/v1", "good@ftp://a.b/v1"]
)
def test_model_option_without_name_or_scheme_is_refused(option: str) -> None:
    with pytest.raises(ConfigError, match="http://"):
        parse_model(option)


def test_run_file_table_sets_what_a_model_spec_holds() -> None:
    table = {
        "name": "qwen",
        "base_url": LOCAL,
        "api": "responses",
        "temperatures": [0.2, 1],
        "reasoning_effort": "low",
        "max_tokens": 4096,
        "concurrency": 2,
        "try_timeout_s": 30,
        "price": {"prompt": 1, "reply": 2.5},
    }
    catalogue = build_catalogue([], [table], {})
    assert catalogue.specs == (
        ModelSpec(
            name="qwen",
            base_url=LOCAL,
            api=Api.RESPONSES,
            temperatures=(0.2, 1.0),
            reasoning_effort="low",
            max_tokens=4096,
            concurrency=2,
            try_timeout_s=30.0,
        ),
    )
    assert catalogue.prices == {"qwen": Price(1.0, 2.5)}
    assert build_catalogue([], [{"name": "x", "price": 0}], {}).prices == {"x": FREE}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": "x", "temprature": 1}, "did you mean 'temperatures'"),
        ({"max_tokens": 100}, "missing keys .'name'."),
        ({"name": ""}, "name: expected a name"),
        ({"name": "x", "max_tokens": "many"}, "max_tokens: expected int"),
        ({"name": "x", "concurrency": 0}, "concurrency: expected 1 to 1000, found 0"),
        ({"name": "x", "try_timeout_s": 0}, "try_timeout_s: expected more than 0"),
        ({"name": "x", "temperatures": [3]}, "temperatures: expected numbers from 0 to 2"),
        ({"name": "x", "price": 3}, "expected 0 or {prompt"),
        ({"name": "x", "base_url": "ftp://h"}, "expected a base_url like"),
        ({"name": "x", "base_url": "http://gpu..local/v1"}, "expected a base_url like"),
        ({"name": "x", "base_url": "https://me:secret@h/v1"}, "holds a password or a query"),
    ],
)
def test_table_that_has_no_meaning_is_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        build_catalogue([], [table], {})
    assert "secret" not in str(error.value)


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="two models are called 'm'"):
        build_catalogue(["m", f"m@{LOCAL}"], [], {})


def test_openai_base_url_is_where_models_without_an_address_are() -> None:
    specs = build_catalogue(["a", "b@https://api.deepseek.com"], [], {"OPENAI_BASE_URL": LOCAL}).specs
    assert [spec.base_url for spec in specs] == [LOCAL, "https://api.deepseek.com"]


@pytest.mark.parametrize(
    ("url", "own"),
    [
        (LOCAL, True),
        ("http://localhost:11434/v1", True),
        ("http://[::1]:80/v1", True),
        ("https://10.1.2.3/v1", True),
        ("https://vllm/v1", True),
        ("https://gpu7.cluster.local/v1", True),
        ("http://gpu7.example.edu:8000/v1", True),  # nobody sells tokens without encryption
        ("https://api.openai.com/v1", False),
        ("https://8.8.8.8/v1", False),
        ("", False),
    ],
)
def test_whose_server_it_is(url: str, own: bool) -> None:
    assert is_own_server(url) is own


def test_own_server_gets_no_key_that_was_not_meant_for_it() -> None:
    environ = {"OPENAI_API_KEY": "sk-of-openai", "LAB_KEY": "sk-of-the-lab"}
    assert key_of(ModelSpec(name="m", base_url=LOCAL), environ) == ""
    assert key_of(ModelSpec(name="m", base_url=LOCAL, key_variable="LAB_KEY"), environ) == "sk-of-the-lab"
    assert key_of(ModelSpec(name="m"), environ) == "sk-of-openai"


def test_known_hosts_have_keys_of_their_own() -> None:
    specs = build_catalogue(["m@https://openrouter.ai/api/v1", "n@https://elsewhere.example/v1"], [], {}).specs
    assert [spec.key_variable for spec in specs] == ["OPENROUTER_API_KEY", "OPENAI_API_KEY"]
    named = build_catalogue([], [{"name": "m", "base_url": "https://openrouter.ai/api/v1", "key_variable": "MINE"}], {})
    assert named.specs[0].key_variable == "MINE"


def test_missing_key_is_one_sentence_that_names_the_variable() -> None:
    with pytest.raises(
        ConfigError, match="model 'gpt-5' needs a key, and the environment variable OPENAI_API_KEY is not"
    ):
        key_of(ModelSpec(name="gpt-5"), {"OPENAI_API_KEY": "  "})


def test_key_that_cannot_be_one_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY holds blanks") as error:
        key_of(ModelSpec(name="gpt-5"), {"OPENAI_API_KEY": "sk-one two"})
    assert "sk-one" not in str(error.value)


def test_nothing_is_opened_when_one_key_is_missing() -> None:
    async def opening() -> None:
        async with open_models([ModelSpec(name="m", base_url=LOCAL), ModelSpec(name="gpt-5")], {}):
            pytest.fail("opened")

    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        asyncio.run(opening())


def test_opened_models_are_found_by_name() -> None:
    async def names() -> list[str]:
        specs = [ModelSpec(name="a", base_url=LOCAL), ModelSpec(name="b", base_url=LOCAL)]
        async with open_models(specs, {}) as models:
            return [model.spec.name for model in models.values()]

    assert asyncio.run(names()) == ["a", "b"]


def test_command_line_and_caller_do_not_load_the_package() -> None:
    code = (
        "import sys, evolve.cli, evolve.llm.catalogue, evolve.llm.caller, evolve.llm.preview; "
        "print([name for name in sys.modules if name.split('.')[0] in ('openai', 'httpx2', 'pydantic')])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
