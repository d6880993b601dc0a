from __future__ import annotations

import math
import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from typer.models import OptionInfo

from evolve.choices import Inspirations, Order, Sampler
from evolve.cli.run import run
from evolve.config import RunConfig, build_config, read_config
from evolve.errors import ConfigError
from evolve.search.inspirations import INSPIRATIONS
from evolve.search.sampling import SAMPLERS


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown key 'atempts'; did you mean 'attempts'"):
        build_config({"task": "toy", "atempts": 3})


def test_a_value_out_of_range_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="attempts: .*greater than or equal to 1, found 0"):
        build_config({"task": "toy", "attempts": 0})


@pytest.mark.parametrize(("name", "value"), [("target", math.nan), ("seconds", math.inf), ("racing", math.nan)])
def test_a_number_that_is_none_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name}: .*finite number"):
        build_config({"task": "toy", name: value})


def test_a_configuration_made_directly_is_refused_in_the_same_words() -> None:
    with pytest.raises(ConfigError, match="unknown key 'atempts'; did you mean 'attempts'"):
        RunConfig(task="toy", atempts=3)  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match="attempts: .*greater than or equal to 1, found 0"):
        RunConfig(task="toy", attempts=0)
    with pytest.raises(ConfigError, match="attempts: "):
        RunConfig.model_validate_json('{"task": "toy", "attempts": "many"}')


def test_a_misspelt_choice_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="final_tier: .*found 'fulll'; did you mean 'full'"):
        build_config({"task": "toy", "final_tier": "fulll"})


def test_a_run_file_reads_as_written(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('task = "toy"\nattempts = 5\norder = "index"\n[set]\nhints = 4\n')
    config = build_config(read_config(path))
    assert (config.attempts, config.order, config.set) == (5, Order.INDEX, {"hints": 4})


@pytest.mark.parametrize("content", [b"attempts =", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is not a TOML file"):
        read_config(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none.toml: No such file"):
        read_config(tmp_path / "none.toml")


def test_a_configuration_survives_the_archive() -> None:
    config = build_config({"task": "toy", "set": {"hints": 4, "x": 0.5, "f": "a@b"}, "seed": 1})
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_every_sampler_can_be_named() -> None:
    assert {choice.value for choice in Sampler} == set(SAMPLERS)


def test_every_choice_of_inspirations_can_be_named() -> None:
    assert {choice.value for choice in Inspirations} == set(INSPIRATIONS)


@pytest.mark.parametrize(
    ("settings", "share"),
    [({}, 0.0), ({"donors": "baselines"}, 0.2), ({"donors": "baselines", "crossover": 0.5}, 0.5)],
)
def test_programs_are_crossed_where_asked_for_and_with_baselines(settings: dict[str, object], share: float) -> None:
    assert build_config({"task": "toy", **settings}).crossover == share


def test_the_defaults_that_the_help_names_are_those_of_a_run_file() -> None:
    named = {}
    for name, hint in get_type_hints(run, include_extras=True).items():
        for option in (part for part in get_args(hint) if isinstance(part, OptionInfo)):
            if found := re.search(r"\(default ([\w.]+)\)", option.help or ""):
                named[name] = found[1]
    assert named.keys() >= {"islands", "sampler", "proposer"}
    assert named == {name: str(RunConfig.model_fields[name].default) for name in named}
