"""Who writes the next program: one Protocol, and the proposers that need no model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from evolve.errors import ConfigError
from evolve.request import MutationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a proposer made of a request."""

    source: str | None  # None: no program; `change` says why
    operator: str
    change: str  # one line


class Proposer(Protocol):
    """Turns requests into programs."""

    @property
    def name(self) -> str:
        """As stored with each attempt."""

    async def propose(self, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator) -> Proposal:
        """A program for `request`; `sources` holds the parent and the inspirations by candidate id."""


class RecordedProposer:
    """Replays programs from a JSON-lines file, one ``{"source": ...}`` per attempt; for tests and overhead figures."""

    name = "recorded"

    def __init__(self, sources: Sequence[str]) -> None:
        self._sources = sources

    @classmethod
    def read(cls, path: Path) -> RecordedProposer:
        """The proposer that plays `path`.

        Raises:
            ConfigError: The file cannot be read, or a line is not such an object.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            return cls([str(json.loads(line)["source"]) for line in lines if line.strip()])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f'{path}: expected lines of {{"source": "..."}}: {error}') from error

    async def propose(self, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator) -> Proposal:
        """The recorded program of this attempt's index."""
        del sources, rng
        if request.index >= len(self._sources):
            return Proposal(source=None, operator="recorded", change="the recording has ended")
        return Proposal(source=self._sources[request.index], operator="recorded", change="recorded")
