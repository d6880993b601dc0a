"""Sequences of bytes with a hidden domain each: training batches and a validation set, bit-reproducible from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from evaluators.balancing.moe_loss.domains import DOMAINS, VOCABULARY, domain_text
from evaluators.balancing.moe_loss.stream import Stream
from evaluators.contract import ContractError

# Shapes: N sequences, S bytes that are predicted
Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
TRAINING, VALIDATION = 0, 1
_LEAST_PART_BYTES = 4096


class Mix(StrEnum):
    """How often each domain is seen."""

    UNIFORM = "uniform"
    SKEWED = "skewed"  # half of the sequences are of the first domain
    FORMAL = "formal"  # two languages as likely as each formal domain; the other languages are left out


@dataclass(frozen=True, slots=True)
class Sequences:
    """Texts with their domains. Only the texts reach the model, and nothing of this reaches a program."""

    text_NS: Bytes  # (N, S + 1), values below `VOCABULARY`
    domain_N: Labels  # (N,) index into `domains`
    domains: tuple[str, ...]


class TextSource(Protocol):
    """Where the text of a domain comes from."""

    @property
    def domains(self) -> tuple[str, ...]:
        """The names, in a fixed order."""

    def text(self, domain: str, seed: int, part: int, num_bytes: int) -> bytes:
        """ASCII text of a domain; the parts `TRAINING` and `VALIDATION` never overlap."""


@dataclass(frozen=True, slots=True)
class MadeText:
    """The ten made domains."""

    domains: tuple[str, ...] = DOMAINS

    def text(self, domain: str, seed: int, part: int, num_bytes: int) -> bytes:
        """See `domains.domain_text`."""
        return domain_text(domain, seed, part, num_bytes)


@dataclass(frozen=True, slots=True)
class FolderText:
    """A user's own text: each folder is a domain, its files in the order of their names."""

    contents: tuple[tuple[str, bytes], ...]  # (domain, text)

    @property
    def domains(self) -> tuple[str, ...]:
        """The folders' names, sorted."""
        return tuple(name for name, _ in self.contents)

    def text(self, domain: str, seed: int, part: int, num_bytes: int) -> bytes:
        """From a random place on, within the first four fifths for training and the rest for validation; wraps."""
        content = dict(self.contents)[domain]
        border = len(content) * 4 // 5
        own = content[:border] if part == TRAINING else content[border:]
        start = Stream((seed, part, self.domains.index(domain))).below(min(len(own), 1 << 24))
        turned = own[start:] + own[:start]
        return (turned * -(-num_bytes // len(turned)))[:num_bytes]


def read_folder(path: Path) -> FolderText:
    """A user's corpus; bytes that are no ASCII are shown as question marks.

    Raises:
        ContractError: Fewer than two folders, or a folder with too little text to split.
    """
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir())
    if len(folders) < 2:
        raise ContractError(f"corpus: expected at least two folders (one per domain) in {path}, found {len(folders)}")
    contents = []
    for folder in folders:
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        text = b"".join(file.read_bytes() for file in files).decode("ascii", "replace").replace("\ufffd", "?")
        if len(text) < 5 * _LEAST_PART_BYTES:
            raise ContractError(
                f"corpus: domain {folder.name} needs {5 * _LEAST_PART_BYTES} bytes of text, found {len(text)}"
            )
        contents.append((folder.name, text.encode("ascii")))
    return FolderText(tuple(contents))


def mix_weights(mix: Mix, num_domains: int) -> tuple[int, ...]:
    """Integer weights of the domains, in their order."""
    match mix:
        case Mix.UNIFORM:
            return (1,) * num_domains
        case Mix.SKEWED:
            return (num_domains - 1, *(1,) * (num_domains - 1))
        case Mix.FORMAL:
            left_out = max(num_domains - 6, 0)
            return (1, 1, *(0,) * left_out, *(1,) * (num_domains - 2 - left_out))


def draw(source: TextSource, mix: Mix, seed: int, part: int, num: int, length: int) -> Sequences:
    """`num` sequences of `length` bytes to predict; one domain each, drawn by `mix`.

    Args:
        source: Where the text comes from.
        mix: How often each domain is seen.
        seed: Of the corpus: training and validation share its languages.
        part: `TRAINING` or `VALIDATION`.
        num: N.
        length: S.
    """
    order = Stream((seed, part, len(source.domains)))
    cumulative = np.cumsum(mix_weights(mix, len(source.domains))).tolist()
    labels = [order.weighted(cumulative) for _ in range(num)]
    wanted = Counter(labels)
    rows = {
        label: iter(_rows(source.text(source.domains[label], seed, part, count * (length + 1)), length + 1))
        for label, count in wanted.items()
    }
    return Sequences(np.stack([next(rows[label]) for label in labels]), np.array(labels), source.domains)


def _rows(text: bytes, width: int) -> Sequence[Bytes]:
    array = np.frombuffer(text, np.uint8)
    if array.max(initial=0) >= VOCABULARY:
        raise ContractError("corpus: expected ASCII text")
    return list(array.reshape(-1, width))
