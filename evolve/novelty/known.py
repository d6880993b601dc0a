"""Has this program been tried? By its text, or by its syntax tree without what cannot change behaviour."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from enum import StrEnum

from evolve.novelty.normal_form import normal_form


class DuplicateKind(StrEnum):
    """How a program equals an earlier one."""

    SOURCE = "source"  # byte for byte
    SYNTAX = "syntax"  # but for comments, layout, docstrings, most annotations, local names and dead code


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An earlier program that is the same."""

    kind: DuplicateKind
    neighbour_id: str


class NoveltyIndex:
    """Which programs are known; every call is O(1) in their number (plus one parse where a source is given)."""

    def __init__(self) -> None:
        self._sources: set[bytes] = set()
        self._syntax: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def check(self, source: str) -> Duplicate | None:
        """The earlier program that `source` equals.

        Raises:
            SyntaxError: `source` does not parse, and is not byte for byte known.
        """
        exact = source_digest(source)
        if bytes.fromhex(exact) in self._sources:
            return Duplicate(DuplicateKind.SOURCE, exact)
        return self.check_digests(exact, ast_digest(source))

    def check_digests(self, candidate_id: str, digest: str) -> Duplicate | None:
        """The same for a program that is not to be parsed here; an empty `digest` is never known."""
        if bytes.fromhex(candidate_id) in self._sources:
            return Duplicate(DuplicateKind.SOURCE, candidate_id)
        neighbour = self._syntax.get(bytes.fromhex(digest)) if digest else None
        return None if neighbour is None else Duplicate(DuplicateKind.SYNTAX, neighbour.hex())

    def knows(self, digest: str) -> bool:
        """Whether a program with this `ast_digest` was added."""
        return bytes.fromhex(digest) in self._syntax

    def add(self, candidate_id: str, digest: str) -> None:
        """Remember a program by its `source_digest` and `ast_digest`; of equal trees the first stays the neighbour."""
        self._sources.add(bytes.fromhex(candidate_id))
        if digest:
            self._syntax.setdefault(bytes.fromhex(digest), bytes.fromhex(candidate_id))


def source_digest(source: str) -> str:
    """SHA-256 of the text, 64 hex digits: a candidate's id."""
    return hashlib.sha256(source.encode()).hexdigest()


def ast_digest(source: str) -> str:
    """SHA-256 of the normalised syntax tree, 64 hex digits.

    Raises:
        SyntaxError: `source` does not parse.
    """
    return tree_digest(ast.parse(source))


def tree_digest(tree: ast.Module) -> str:
    """`ast_digest` of a program that is parsed already."""
    return form_digest(normal_form(tree))


def form_digest(form: str) -> str:
    """`ast_digest` of a program whose `normal_form` is known; those of its parts may simply be joined."""
    return hashlib.sha256(form.encode()).hexdigest()
