"""What a run with models says before it starts, and what must hold: keys, prices, an idea of the cost."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from archive.records import FounderRole
from evaluators.contract import Task
from evolve.config import RunConfig
from evolve.errors import ConfigError
from evolve.llm.catalogue import key_of
from evolve.llm.preview import preview
from evolve.llm.prices import load_prices
from evolve.programs import Program

PROGRAMS_IN_PROMPT = 3  # of the parent's length: the parent and short inspirations
FRAME_CHARS = 6000  # of everything else in a prompt


def announce_models(config: RunConfig, task: Task, programs: Sequence[Program]) -> None:
    """Says on stderr what the run may cost.

    Raises:
        ConfigError: There is no model, a key is missing, or a budget in USD meets a model without a price.
    """
    if not config.models:
        raise ConfigError(
            "the proposer `openai` needs a model: --model NAME, or --model NAME@http://127.0.0.1:8000/v1 for a server "
            "of your own"
        )
    for spec in config.models:
        key_of(spec, os.environ)
    prices = load_prices(os.environ, config.model_prices)
    warning = prices.check(config.models, config.usd)
    initial = max(len(program.source) for program in programs if program.role is FounderRole.INITIAL)
    prompt_chars = FRAME_CHARS + len(task.summary) + PROGRAMS_IN_PROMPT * initial
    attempts = config.attempts or config.evaluations or 0
    lines = [warning] if warning else []
    if attempts:
        lines.append("models: " + preview(prompt_chars, config.models, prices, attempts))
    if config.usd is not None:
        lines.append(f"models: the run stops asking before it has spent ${config.usd:g}")
    sys.stderr.write("".join(line + "\n" for line in lines))
