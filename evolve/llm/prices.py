"""What model calls cost: the shipped table, the user's own, and what a run file declares."""

from __future__ import annotations

import fnmatch
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from evolve.errors import ConfigError
from evolve.llm.model import ModelSpec
from evolve.llm.servers import is_openai, is_own_server

PRICES_VARIABLE = "EVENKEEL_PRICES"  # of the environment: path of the user's own table


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens."""

    prompt: float
    reply: float

    def usd(self, prompt_tokens: int, reply_tokens: int) -> float:
        """What one call costs."""
        return (self.prompt * prompt_tokens + self.reply * reply_tokens) / 1e6


FREE = Price(0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Who charges how much. The first of these that knows a model decides; the last two only for their own servers."""

    declared: Mapping[str, Price] = field(default_factory=dict)  # in the run file, by exact name
    own: Mapping[str, Price] = field(default_factory=dict)  # the user's, by pattern
    shipped: Mapping[str, Price] = field(default_factory=dict)  # for OpenAI's server, by pattern

    def price_of(self, spec: ModelSpec) -> Price | None:
        """The price of a model's tokens; a server of one's own is free; None where nobody knows."""
        if (price := self.declared.get(spec.name) or _match(self.own, spec.name)) is not None:
            return price
        if is_own_server(spec.base_url):
            return FREE
        return _match(self.shipped, spec.name) if is_openai(spec.base_url) else None

    def usd(self, spec: ModelSpec, prompt_tokens: int, reply_tokens: int) -> float | None:
        """What one call costs; None where the price is unknown."""
        price = self.price_of(spec)
        return None if price is None else price.usd(prompt_tokens, reply_tokens)

    def check(self, specs: Sequence[ModelSpec], budget_usd: float | None) -> str:
        """A warning that names models without a price; empty if there are none.

        Raises:
            ConfigError: There are, and the run has a budget in USD.
        """
        unknown = [spec.name for spec in specs if self.price_of(spec) is None]
        if not unknown:
            return ""
        names = ", ".join(repr(name) for name in unknown)
        if budget_usd is None:
            return f"the price of {names} is not known: what the run spends on it is not shown"
        raise ConfigError(
            f"a budget of ${budget_usd:g} needs the price of {names}: add a row ['{unknown[0]}'] with `prompt` and "
            f"`reply` (USD per million tokens) to a TOML file and set {PRICES_VARIABLE} to its path, "
            "or set `price = 0` for the model in the run file if it is free"
        )


def load_prices(environ: Mapping[str, str], declared: Mapping[str, Price] | None = None) -> PriceTable:
    """The shipped table under the user's own (``EVENKEEL_PRICES``) under what the run file declares.

    Raises:
        ConfigError: The user's file cannot be read, or is not such a table.
    """
    path = environ.get(PRICES_VARIABLE, "")
    shipped = files("evolve.llm").joinpath("prices.toml").read_text(encoding="utf-8")
    return PriceTable(
        declared=declared or {},
        own=_read_own(Path(path)) if path else {},
        shipped=parse_prices(shipped, "prices.toml"),
    )


def parse_prices(text: str, where: str) -> dict[str, Price]:
    """The rows of a price table in TOML.

    Raises:
        ConfigError: It is not TOML, or a row is not a price.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not a TOML file: {error}") from error
    return {name: parse_price(row, f"{where}, model {name!r}") for name, row in table.items()}


def parse_price(value: object, where: str) -> Price:
    """A price as it stands in TOML: 0 for free, or a table of `prompt` and `reply`.

    Raises:
        ConfigError: It is neither.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and value == 0:
        return FREE
    if isinstance(value, dict) and set(value) == {"prompt", "reply"}:
        prompt, reply = _usd(value["prompt"]), _usd(value["reply"])
        if prompt is not None and reply is not None:
            return Price(prompt, reply)
    raise ConfigError(
        f"{where}: expected 0 or {{prompt = ..., reply = ...}} in USD per million tokens, found {str(value)[:80]}"
    )


def _read_own(path: Path) -> dict[str, Price]:
    try:
        return parse_prices(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the price table {path} that {PRICES_VARIABLE} names: {error}") from error


def _match(prices: Mapping[str, Price], name: str) -> Price | None:
    if name in prices:
        return prices[name]
    matching = [pattern for pattern in prices if fnmatch.fnmatchcase(name, pattern)]
    return prices[max(matching, key=len)] if matching else None


def _usd(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and isinstance(value, int | float) and 0 <= value < math.inf else None
