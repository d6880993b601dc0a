"""The header of an attack file: ``# key: value`` lines that say what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evaluators.contract import Limits, Outcome, Split

ATTACKS = tuple(sorted(Path(__file__).parent.glob("[a-k][0-9][0-9]_*.py")))
_LONG = Limits(wall_s=30.0, cpu_s=20.0, call_wall_s=20.0, memory_bytes=256 << 20)  # only a hung machine reaches them
_SHORT = Limits(wall_s=0.5, cpu_s=0.5, call_wall_s=0.5, memory_bytes=256 << 20)  # for attacks that end by them
_LIMITS = {"": _LONG, "short": _SHORT, "cpu": replace(_LONG, cpu_s=0.3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One hostile program and what must come of it."""

    name: str
    source: str
    expected: frozenset[Outcome]
    purpose: str
    limits: Limits | None  # None: the task's own
    calls: int  # of the entry point, in one child
    task: str  # the task it plays; empty for a bare call of `attack`
    split: Split
    at_most: str  # the seed program whose score it must not exceed

    @property
    def group(self) -> str:
        """The letter of its group in ``docs/trust.md``."""
        return self.name[0].upper()


def read_attack(path: Path) -> Attack:
    """The attack in a file.

    Raises:
        ValueError: Its header is not one.
    """
    source = path.read_text(encoding="utf-8")
    header = _header(source)
    known = {"expect", "attack", "limits", "calls", "task", "split", "at most"}
    if not {"expect", "attack"} <= header.keys() <= known:
        raise ValueError(f"{path.name}: expected 'expect', 'attack' and further keys of {known}, found {list(header)}")
    expected = frozenset(map(Outcome, header["expect"].split(",")))
    kind = header.get("limits", "short" if Outcome.TIMED_OUT in expected else "")
    task = header.get("task", "")
    return Attack(
        name=path.stem,
        source=source,
        expected=expected,
        purpose=header["attack"],
        limits=_LIMITS[kind] if kind or not task else None,
        calls=int(header.get("calls", "1")),
        task=task,
        split=Split(header.get("split", Split.SEARCH)),
        at_most=header.get("at most", ""),
    )


def _header(source: str) -> Mapping[str, str]:
    lines = [line[2:] for line in source.split("\n\n")[0].splitlines() if line.startswith("# ")]
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
