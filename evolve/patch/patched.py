"""What comes of applying a reply, and the limits that it is held to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evolve.errors import EvolveError

MAX_REPLY_BYTES = 1 << 20
MAX_SOURCE_BYTES = 256 << 10
MAX_EDITS = 200
MAX_CHANGE_CHARS = 120


class PatchError(EvolveError, ValueError):
    """A reply that cannot be applied; the message is written for the model that sent it."""


class ReplyForm(StrEnum):
    """How a prompt asks for the change."""

    DIFF = "diff"  # SEARCH/REPLACE blocks
    FULL = "full"  # the whole program in one fenced block


@dataclass(frozen=True, slots=True)
class Patched:
    """A child that differs from its parent between the EVOLVE-BLOCK markers only."""

    source: str
    change: str  # one line of plain text in the model's words; empty where it said nothing
    edits: int  # SEARCH/REPLACE blocks applied, or bodies taken from a whole program
