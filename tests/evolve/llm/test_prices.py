from __future__ import annotations

from pathlib import Path

import pytest

from evolve.errors import ConfigError
from evolve.llm.model import ModelSpec
from evolve.llm.prices import FREE, Price, PriceTable, load_prices, parse_prices

HOSTED = "https://models.example.org/v1"


def test_shipped_prices_hold_for_openai_alone() -> None:
    prices = load_prices({})
    assert prices.price_of(ModelSpec(name="gpt-4.1-mini")) == Price(0.40, 1.60)
    assert prices.price_of(ModelSpec(name="gpt-4.1-mini", base_url=HOSTED)) is None
    assert prices.price_of(ModelSpec(name="gpt-4.1-other")) is None  # no guess from a like name


def test_price_of_a_call() -> None:
    assert load_prices({}).usd(ModelSpec(name="gpt-5"), 1_000_000, 100_000) == pytest.approx(2.25)
    assert load_prices({}).usd(ModelSpec(name="unheard-of"), 10, 10) is None


def test_own_server_is_free_unless_priced() -> None:
    local = ModelSpec(name="llama", base_url="http://127.0.0.1:8000/v1")
    assert load_prices({}).price_of(local) == FREE
    assert PriceTable(declared={"llama": Price(1, 2)}).price_of(local) == Price(1, 2)


def test_users_own_table_comes_before_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(
        '["gpt-5*"]\nprompt = 7\nreply = 8\n["gpt-5-nano"]\nprompt = 0\nreply = 1\n["*"]\nprompt=1\nreply=1\n'
    )
    prices = load_prices({"EVENKEEL_PRICES": str(path)})
    assert prices.price_of(ModelSpec(name="gpt-5-pro")) == Price(7, 8)
    assert prices.price_of(ModelSpec(name="gpt-5-nano")) == Price(0, 1)
    assert prices.price_of(ModelSpec(name="other", base_url=HOSTED)) == Price(1, 1)


def test_unknown_price_is_an_error_only_with_a_budget() -> None:
    specs = [ModelSpec(name="mystery", base_url=HOSTED), ModelSpec(name="gpt-5")]
    assert "'mystery' is not known" in PriceTable(shipped=parse_prices("", "")).check(specs[:1], None)
    with pytest.raises(ConfigError, match=r"budget of \$5 needs the price of 'mystery'.*EVENKEEL_PRICES.*price = 0"):
        load_prices({}).check(specs, 5.0)
    declared_free = load_prices({}, {"mystery": FREE})
    assert declared_free.check(specs, 5.0) == ""


@pytest.mark.parametrize(
    "text", ["gpt = 3", "[gpt]\nprompt = 1", "[gpt]\nprompt = 1\nreply = -1", "[gpt]\nprompt = 1\nreply = true", "[["]
)
def test_row_that_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="my.toml"):
        parse_prices(text, "my.toml")


def test_missing_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the price table .*none.toml that EVENKEEL_PRICES names"):
        load_prices({"EVENKEEL_PRICES": str(tmp_path / "none.toml")})
