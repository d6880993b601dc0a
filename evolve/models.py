"""What a run with models says before it starts, and what must hold: keys, prices, servers that are up, a cost."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

from archive.records import FounderRole
from evaluators.contract import Task
from evaluators.registry import nearest
from evolve.choices import ProposerKind
from evolve.config import RunConfig
from evolve.errors import ConfigError
from evolve.llm.catalogue import key_of
from evolve.llm.listing import is_listed, is_refused, listed_models
from evolve.llm.model import Api, ModelSpec
from evolve.llm.preview import no_room, preview
from evolve.llm.prices import FREE, PriceTable, load_prices
from evolve.llm.servers import OPENAI_URL, is_own_server
from evolve.programs import Program

PROGRAMS_IN_PROMPT = 3  # of the parent's length: the parent and short inspirations
FRAME_CHARS = 6000  # of everything else in a prompt
KNOCK_TIMEOUT_S = 5.0


def announce_models(config: RunConfig, task: Task, programs: Sequence[Program]) -> None:
    """Says on stderr what the run may cost; nothing where no model is asked.

    Raises:
        ConfigError: There is no model, a key is missing, a budget in USD meets a model without a price, nobody
            listens where a server of one's own should be, or it has no such model.
    """
    writers = config.models if config.proposer is ProposerKind.OPENAI else ()
    if config.proposer is ProposerKind.OPENAI and not writers:
        raise ConfigError(
            "the proposer `openai` needs a model: --model NAME, or --model NAME@http://127.0.0.1:8000/v1 for a server "
            "of your own"
        )
    judge = config.active_judge
    if config.embedding is not None:
        key_of(config.embedding, os.environ, table="embedding")
    asked = [*writers, *([] if judge is None or judge in writers else [judge])]
    if not asked:
        if config.usd is not None or config.tokens is not None:
            sys.stderr.write("no model is asked in this run: its budget of USD or tokens limits nothing\n")
        return
    for spec in asked:
        key_of(spec, os.environ, table="" if spec in writers else "judge")
    prices = load_prices(os.environ, config.model_prices)
    warning = prices.check(asked, config.usd)
    for base_url, name in {spec.base_url: spec.name for spec in asked if is_own_server(spec.base_url)}.items():
        _knock(name, base_url)
    unlisted = _unlisted(asked, prices)
    initial = max(len(program.source) for program in programs if program.role is FounderRole.INITIAL)
    prompt_chars = FRAME_CHARS + len(task.summary) + PROGRAMS_IN_PROMPT * initial
    lines = [*([warning] if warning else []), *unlisted]
    if writers:
        lines += _cost_lines(config, prompt_chars, prices)
    if judge is not None:
        lines.append(f"models: a program near a known one costs a call of {judge.name} more")
    if config.usd is not None:
        lines.append(f"models: the run stops asking before it has spent ${config.usd:g}")
    sys.stderr.write("".join(line + "\n" for line in lines))


def _cost_lines(config: RunConfig, prompt_chars: int, prices: PriceTable) -> list[str]:
    """What the attempts may cost, and whether the budget has room for any."""
    attempts = config.attempts or config.evaluations or 0
    lines = ["models: " + preview(prompt_chars, config.models, prices, attempts)] if attempts else []
    if tight := no_room(prompt_chars, config.models, prices, config.usd, config.tokens):
        lines.append(f"models: {tight}; raise the budget, or lower `max_tokens` in a run file")
    return lines


def may_run_out(config: RunConfig) -> bool:
    """Whether the budget in USD or tokens can end the run: models are paid to write its programs."""
    if config.proposer is not ProposerKind.OPENAI:
        return False
    prices = load_prices(os.environ, config.model_prices)
    is_paid = any(prices.price_of(spec) != FREE for spec in config.models)
    return config.tokens is not None or (config.usd is not None and is_paid)


def _unlisted(specs: Sequence[ModelSpec], prices: PriceTable) -> list[str]:
    """Warnings of models that their servers do not list, and that cannot be tried for nothing.

    Raises:
        ConfigError: A server that is free says that it has no such model.
    """
    warnings = []
    for spec in specs:
        key = key_of(spec, os.environ)
        listed = listed_models(spec.base_url, key)
        if not listed:
            _require_api(spec, key, is_free=prices.price_of(spec) == FREE)
        if not listed or is_listed(spec.name, listed):
            continue
        where = f"{spec.base_url or OPENAI_URL} does not list a model {spec.name!r}{nearest(spec.name, listed)}"
        if spec.api is Api.CHAT and prices.price_of(spec) == FREE:
            if is_refused(spec.base_url, key, spec.name):
                raise ConfigError(where)
        else:
            warnings.append(f"models: {where}")
    return warnings


def _require_api(spec: ModelSpec, key: str, *, is_free: bool) -> None:
    """That a server which lists no models may have its API at this address: `/v1` is easily left out.

    Raises:
        ConfigError: It lists models one level below, or is free and says that there is nothing to be asked here.
    """
    if not spec.base_url:
        return
    below = spec.base_url.rstrip("/") + "/v1"
    if listed_models(below, key):
        raise ConfigError(
            f"{spec.base_url} lists no models, but {below} does: write this as the address of {spec.name!r}"
        )
    if is_free and spec.api is Api.CHAT and is_refused(spec.base_url, key, spec.name):
        raise ConfigError(
            f"{spec.base_url} answers 404 (not found) when model {spec.name!r} is asked: check the name, and the "
            "address, which usually ends in /v1"
        )


def _knock(name: str, base_url: str) -> None:
    """That somebody listens at `base_url`: every attempt would fail there, one after the other.

    Raises:
        ConfigError: Nobody does.
    """
    parts = urlsplit(base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), KNOCK_TIMEOUT_S).close()
    except OSError as error:
        raise ConfigError(
            f"nobody answers for model {name!r} at {base_url}: {error.strerror or error}; start its server, or check "
            "host and port"
        ) from error
