from __future__ import annotations

from evolve.llm.model import ModelSpec
from evolve.llm.preview import no_room, preview
from evolve.llm.prices import load_prices

PRICES = load_prices({})
LOCAL = ModelSpec(name="llama", base_url="http://127.0.0.1:8000/v1")


def test_range_runs_from_the_cheapest_to_the_dearest() -> None:
    # nano: 200 * (3000 * 0.10 + 1000 * 0.40) / 1e6 = 0.14; gpt-4.1: 200 * (4000 * 2 + 8192 * 8) / 1e6 = 14.7
    specs = [ModelSpec(name="gpt-4.1-nano"), ModelSpec(name="gpt-4.1")]
    assert preview(12_000, specs, PRICES, 200) == "about $0.14 to $15 for 200 attempts with gpt-4.1-nano, gpt-4.1"


def test_free_and_unknown_models_are_named_as_such() -> None:
    unknown = ModelSpec(name="mystery")
    assert preview(12_000, [LOCAL], PRICES, 200) == "llama is free"
    assert preview(12_000, [LOCAL, LOCAL], PRICES, 200) == "llama, llama are free"
    assert preview(12_000, [unknown], PRICES, 5) == "the price of 5 attempts with mystery is not known"
    assert preview(12_000, [LOCAL, unknown], PRICES, 5) == ("llama is free; the price of mystery is not known")


def test_a_budget_below_a_single_call_has_no_room() -> None:
    # nano: (3000 * 0.10 + 8192 * 0.40) / 1e6 = 0.0036
    nano = ModelSpec(name="gpt-4.1-nano")
    assert "a call reserves about $0.0036" in no_room(12_000, [nano], PRICES, 0.003, None)
    assert "a call reserves about 11192 tokens" in no_room(12_000, [LOCAL], PRICES, None, 11_000)
    for usd, tokens in ((0.004, 12_000), (None, None), (0.004, None)):
        assert no_room(12_000, [nano], PRICES, usd, tokens) == ""
    assert no_room(12_000, [LOCAL], PRICES, 0.001, None) == ""
