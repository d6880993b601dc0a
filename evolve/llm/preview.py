"""What a run will cost, said before it starts. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.llm.model import ModelSpec
from evolve.llm.prices import Price, PriceTable

SHORT_REPLY_TOKENS = 1000  # a patch of some thirty lines with its reason
CHARS_PER_TOKEN = (4, 3)  # of prompts: usual, and careful


def preview(prompt_chars: int, specs: Sequence[ModelSpec], prices: PriceTable, attempts: int) -> str:
    """One line: the range of what `attempts` cost with these models.

    The lower end has every attempt answered at once and shortly by the cheapest model, the upper end by the dearest
    with replies of `max_tokens`. Failed calls, repairs and longer prompts as the run goes on come on top.

    Args:
        prompt_chars: Of a typical prompt.
    """
    names = ", ".join(spec.name for spec in specs)
    unknown = [spec.name for spec in specs if prices.price_of(spec) is None]
    priced = [(spec, price) for spec in specs if (price := prices.price_of(spec)) is not None]
    if not priced:
        return f"the price of {attempts} attempts with {names} is not known"
    low = attempts * min(_low(price, prompt_chars, spec) for spec, price in priced)
    high = attempts * max(_high(price, prompt_chars, spec) for spec, price in priced)
    if high == 0:
        free = ", ".join(spec.name for spec, _ in priced)
        rest = f"; the price of {', '.join(unknown)} is not known" if unknown else ""
        return f"{free} {'is' if len(priced) == 1 else 'are'} free{rest}"
    without = f", without what {', '.join(unknown)} cost" if unknown else ""
    return f"about ${low:.2g} to ${high:.2g} for {attempts} attempts with {names}{without}"


def no_room(
    prompt_chars: int, specs: Sequence[ModelSpec], prices: PriceTable, usd: float | None, tokens: int | None
) -> str:
    """A sentence where the budget is below what a single call with any of these models reserves; empty otherwise."""
    prompt_tokens = prompt_chars // CHARS_PER_TOKEN[0]
    fewest = prompt_tokens + min(spec.max_tokens for spec in specs)
    if tokens is not None and fewest > tokens:
        return (
            f"a call reserves about {fewest} tokens, prompt and `max_tokens` of the reply: {tokens} leave room for none"
        )
    costs = [p.usd(prompt_tokens, spec.max_tokens) for spec in specs if (p := prices.price_of(spec)) is not None]
    least = min(costs, default=0.0)
    if usd is not None and least > usd:
        return f"a call reserves about ${least:.2g}, prompt and `max_tokens` of the reply: ${usd:g} leave room for none"
    return ""


def _low(price: Price, prompt_chars: int, spec: ModelSpec) -> float:
    return price.usd(prompt_chars // CHARS_PER_TOKEN[0], min(SHORT_REPLY_TOKENS, spec.max_tokens))


def _high(price: Price, prompt_chars: int, spec: ModelSpec) -> float:
    return price.usd(prompt_chars // CHARS_PER_TOKEN[1], spec.max_tokens)
