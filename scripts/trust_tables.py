"""Writes the measured tables of ``docs/trust.md`` and ``docs/trust_corpus.md``: ``python -m scripts.trust_tables``.

Runs the whole corpus under every set of layers that this machine and user offer, then the ablation. About two minutes.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from evaluators.probe import probe_machine
from tests.hostile.ablation import HARMLESS, LAYER_SETS, succeeding
from tests.hostile.corpus import Survey
from tests.hostile.headers import ATTACKS, read_attack
from tests.hostile.ordinary_user import NOBODY, readable_python, survey_as

DOCS = Path(__file__).parents[1] / "docs"
GROUPS = {
    "A": "never ends",
    "B": "starts processes or threads",
    "C": "takes memory",
    "D": "ends early",
    "E": "floods, and words",
    "F": "files",
    "G": "network",
    "H": "the harness",
    "I": "the protocol",
    "J": "values",
    "K": "cheating",
}


def main() -> None:
    """Measure, then rewrite the text between the markers."""
    surveys = measured_surveys()
    write_between(DOCS / "trust_corpus.md", "corpus", [*stamp(surveys), "", *corpus_table(surveys)])
    write_between(DOCS / "trust.md", "ablation", ablation_table())
    write_between(DOCS / "trust.md", "summary", summary_table(surveys))


def measured_surveys() -> dict[str, Survey]:
    """The corpus by set of layers, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="evenkeel-tables-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        here = Path(sys.executable)
        if os.geteuid() != 0:
            return {"ordinary user": survey_as(None, here, (), folder)}
        readable = readable_python(folder / "python")
        surveys = {
            "ordinary user": survey_as(NOBODY, readable, (), folder),
            "root": survey_as(None, here, ("uid",), folder),
            "root, children as nobody": survey_as(None, readable, (), folder),
        }
        if shutil.which("bwrap"):
            surveys["ordinary user, bubblewrap"] = survey_as(NOBODY, readable, (), folder, launcher="bubblewrap")
        return surveys


def stamp(surveys: Mapping[str, Survey]) -> list[str]:
    """When and where."""
    machine = probe_machine()
    when = datetime.now(UTC).date().isoformat()
    layers = "; ".join(f"{name}: `{survey.layers}`" for name, survey in surveys.items())
    return [
        f"Measured {when} on {machine.operating_system}, {machine.architecture}, Python {sys.version.split()[0]}.",
        f"{layers}. Only bubblewrap uses namespaces.",
    ]


def corpus_table(surveys: Mapping[str, Survey]) -> list[str]:
    """A row per attack: what it does, and how it ended under each set of layers."""
    ends = {name: {result.attack: result for result in survey.results} for name, survey in surveys.items()}
    rows = [f"| attack | what it does | {' | '.join(surveys)} |", "|---" * (2 + len(surveys)) + "|"]
    for path in ATTACKS:
        attack = read_attack(path)
        cells = [ending_text(ends[name][attack.name].outcome, ends[name][attack.name].problems) for name in surveys]
        rows.append(f"| `{attack.name}` | {attack.purpose.replace('|', '/')} | {' | '.join(cells)} |")
    return rows


def ending_text(outcome: str, problems: Sequence[str]) -> str:
    """An outcome, or loudly what went wrong."""
    return f"**FAILED**: {'; '.join(problems)}" if problems else outcome


def summary_table(surveys: Mapping[str, Survey]) -> list[str]:
    """Attacks by group, and how many did anything they should not."""
    names = [path.stem for path in ATTACKS]
    rows = [f"| group | attacks | {' | '.join(f'failures, {name}' for name in surveys)} |"]
    rows.append("|---" * (2 + len(surveys)) + "|")
    for letter, title in GROUPS.items():
        members = {name for name in names if name[0].upper() == letter}
        cells = [
            str(sum(bool(r.problems) for r in survey.results if r.attack in members)) for survey in surveys.values()
        ]
        rows.append(f"| {letter} {title} | {len(members)} | {' | '.join(cells)} |")
    totals = [str(sum(bool(result.problems) for result in survey.results)) for survey in surveys.values()]
    return [*rows, f"| all | {len(names)} | {' | '.join(totals)} |"]


def ablation_table() -> list[str]:
    """What gets through, by set of layers, of the attacks that are harmless to try."""
    rows = ["| layers | active | of " + str(len(HARMLESS)) + " succeed | which |", "|---|---|---|---|"]
    for name, disabled in LAYER_SETS.items():
        layers, won = succeeding(disabled)
        rows.append(f"| {name} | `{layers}` | {len(won)} | {', '.join(won) or 'none'} |")
    return rows


def write_between(path: Path, name: str, lines: Sequence[str]) -> None:
    """Replace what stands between the markers of `name`.

    Raises:
        ValueError: The file has no such markers.
    """
    start, end = f"<!-- {name}: written by scripts/trust_tables.py -->", f"<!-- end of {name} -->"
    head, found, rest = path.read_text(encoding="utf-8").partition(start)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{path}: expected the markers {start!r} and {end!r}")
    path.write_text("\n".join([head + start, *lines, end + tail]), encoding="utf-8")


if __name__ == "__main__":
    main()
