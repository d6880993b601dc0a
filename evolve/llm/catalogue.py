"""From the user's words to models: `--model NAME[@BASE_URL]`, tables of a run file, keys of the environment."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields, replace

from evaluators.contract import ContractError
from evaluators.jsonable import from_json
from evaluators.registry import did_you_mean
from evolve.errors import ConfigError
from evolve.llm.embedder import EmbeddingModel
from evolve.llm.model import LanguageModel, ModelSpec
from evolve.llm.prices import Price, parse_price
from evolve.llm.servers import OPENAI_KEY, check_url, is_own_server, key_variable_of

BASE_URL_VARIABLE = "OPENAI_BASE_URL"  # of the environment: where models without a base_url are, as the package has it
_KEYS = (*(field.name for field in fields(ModelSpec)), "price")
_AT_URL = re.compile(r"@(?=https?://)")
_OTHER_SCHEME = re.compile(r"@([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LOOKS_LIKE_URL = re.compile(r"@(localhost|[\w.-]+:\d+|[\w.-]+/)")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The models of a run, and what the user said they cost."""

    specs: tuple[ModelSpec, ...]
    prices: Mapping[str, Price]  # by name; those declared


def build_catalogue(
    options: Sequence[str], tables: Sequence[Mapping[str, object]], environ: Mapping[str, str]
) -> Catalogue:
    """The models that options and run file name together.

    Args:
        options: ``NAME`` or ``NAME@BASE_URL`` each.
        tables: The ``[[models]]`` of a run file: keys of `ModelSpec`, and ``price`` (0: free, or
            ``{prompt = ..., reply = ...}`` in USD per million tokens).
        environ: ``OPENAI_BASE_URL`` says where models without a base_url are.

    Raises:
        ConfigError: A name, key or value that has no meaning, or two models of one name.
    """
    default_url = environ.get(BASE_URL_VARIABLE, "")
    specs = [_placed(parse_model(option), default_url, named_key=False) for option in options]
    prices: dict[str, Price] = {}
    for number, table in enumerate(tables, 1):
        spec = _from_table(table, f"[[models]] number {number}")
        specs.append(_placed(spec, default_url, named_key="key_variable" in table))
        if "price" in table:
            prices[spec.name] = parse_price(table["price"], f"model {spec.name!r}: price")
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two models are called {name!r}: rows of the archive could not tell them apart")
    return Catalogue(tuple(specs), prices)


def read_model(table: object, where: str, environ: Mapping[str, str]) -> ModelSpec:
    """The one model that a table of a run file names, without a price.

    Raises:
        ConfigError: `table` is no table, or has a key or value that has no meaning; `where` says which.
    """
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: expected a table that names a model, found {str(table)[:80]!r}")
    spec = _from_table(table, where)
    return _placed(spec, environ.get(BASE_URL_VARIABLE, ""), named_key="key_variable" in table)


def read_judge(
    value: object, models: Sequence[ModelSpec], environ: Mapping[str, str]
) -> tuple[ModelSpec, Mapping[str, Price]]:
    """The model that judges near programs, and its price if that is declared.

    Args:
        value: The name of one of the run's `models`, or a table like theirs.

    Raises:
        ConfigError: There is no such model, or the table has a key or value that has no meaning.
    """
    names = tuple(spec.name for spec in models)
    if isinstance(value, str):
        for spec in models:
            if spec.name == value:
                return spec, {}
        known = ", ".join(map(repr, names)) or "none are named"
        raise ConfigError(
            f"judge: expected one of the run's models ({known}) or a [judge] table, found {value!r}"
            f"{did_you_mean(value, names)}"
        )
    spec = read_model(value, "[judge]", environ)
    if spec.name in names:
        raise ConfigError(
            f"[judge]: the run has a model {spec.name!r} already, and rows of the archive could not tell them apart: "
            f'write judge = "{spec.name}" to ask that one'
        )
    price = value.get("price") if isinstance(value, dict) else None
    return spec, {} if price is None else {spec.name: parse_price(price, f"model {spec.name!r}: price")}


def parse_model(option: str) -> ModelSpec:
    """The model that ``NAME[@BASE_URL]`` names; a name may hold an ``@`` of its own.

    Raises:
        ConfigError: There is no name, or what follows the ``@`` is an address without ``http://``.
    """
    name, *url = _AT_URL.split(option.strip(), maxsplit=1)
    if not name:
        raise ConfigError(f"expected --model NAME or NAME@http://HOST:PORT/v1, found {option!r}")
    if not url and (found := _OTHER_SCHEME.search(name)):
        raise ConfigError(f"the address in --model {option!r} begins with {found[1]}://, expected http:// or https://")
    if not url and (found := _LOOKS_LIKE_URL.search(name)):
        raise ConfigError(
            f"the address in --model {option!r} lacks its scheme: write {found[0][0]}http://{found[0][1:]}..."
        )
    return ModelSpec(name=name, base_url=url[0] if url else "")


OWN_SERVER = "http://127.0.0.1:8000/v1"


def key_of(spec: ModelSpec, environ: Mapping[str, str], *, table: str = "") -> str:
    """The key a model is sent; empty where it needs none.

    A server of one's own is sent a key only if its `key_variable` is not the default one: nobody's OpenAI key goes to
    another server unasked.

    Args:
        spec: The model.
        environ: Where the key is.
        table: Of the run file that names the model, for the message; empty: `--model` does.

    Raises:
        ConfigError: The key is missing, or cannot be one.
    """
    if is_own_server(spec.base_url) and spec.key_variable == OPENAI_KEY:
        return ""
    key = environ.get(spec.key_variable, "").strip()
    if not key:
        remedy = f'base_url = "{OWN_SERVER}" in [{table}]' if table else f"--model NAME@{OWN_SERVER}"
        raise ConfigError(
            f"model {spec.name!r} needs a key, and the environment variable {spec.key_variable} is not set: "
            f"export {spec.key_variable}=..., or name a server that needs none: {remedy}"
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(f"the environment variable {spec.key_variable} holds blanks or unprintable characters")
    return key


@asynccontextmanager
async def open_models(
    specs: Sequence[ModelSpec], environ: Mapping[str, str]
) -> AsyncIterator[Mapping[str, LanguageModel]]:
    """The models by name; their connections are closed at the end. The `openai` package is loaded here, not before.

    Raises:
        ConfigError: A key is missing; nothing was opened then.
    """
    keys = [key_of(spec, environ) for spec in specs]
    from evolve.llm.openai_compatible import OpenAICompatibleModel  # 0.4 s of CPU

    async with AsyncExitStack() as stack:
        models: dict[str, LanguageModel] = {}
        for spec, key in zip(specs, keys, strict=True):
            model = OpenAICompatibleModel(spec, key, use_proxies=not is_own_server(spec.base_url))
            stack.push_async_callback(model.close)
            models[spec.name] = model
        yield models


@asynccontextmanager
async def open_embedding_model(spec: ModelSpec, environ: Mapping[str, str]) -> AsyncIterator[EmbeddingModel]:
    """The model that `spec` names, for embeddings; closed at the end.

    Raises:
        ConfigError: The key is missing.
    """
    key = key_of(spec, environ, table="embedding")
    from evolve.llm.openai_compatible import OpenAICompatibleModel  # 0.4 s of CPU

    model = OpenAICompatibleModel(spec, key, use_proxies=not is_own_server(spec.base_url))
    try:
        yield model
    finally:
        await model.close()


def _placed(spec: ModelSpec, default_url: str, *, named_key: bool) -> ModelSpec:
    """`spec` with its address, checked, and the name of its key, unless the user named it."""
    base_url = spec.base_url or default_url
    if base_url:
        check_url(base_url)
    return replace(spec, base_url=base_url, key_variable=spec.key_variable if named_key else key_variable_of(base_url))


def _from_table(table: Mapping[str, object], where: str) -> ModelSpec:
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"{where} has an unknown key {key!r}{did_you_mean(key, _KEYS)}")
    try:
        spec = from_json(ModelSpec, {key: value for key, value in table.items() if key != "price"})
    except ContractError as error:
        raise ConfigError(f"{where}: {error}") from error
    for key, fits, expected in (
        ("name", spec.name.strip() == spec.name != "", "a name without blanks around it"),
        ("max_tokens", 16 <= spec.max_tokens <= 10_000_000, "16 or more"),
        ("concurrency", 1 <= spec.concurrency <= 1000, "1 to 1000"),
        ("try_timeout_s", 0 < spec.try_timeout_s < math.inf, "more than 0"),
        ("temperatures", all(0 <= temperature <= 2 for temperature in spec.temperatures), "numbers from 0 to 2"),
    ):
        if not fits:
            raise ConfigError(f"{where}: {key}: expected {expected}, found {table.get(key)!r}")
    return spec
