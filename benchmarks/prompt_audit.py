"""Reads every prompt of runs over the stand-in, and counts what no prompt may hold.

- a validation or hold-out figure: objectives, means of regimes and scores of instances of those splits, with every
  digit, and with 6 and 8 significant digits, unless the search split has the same figure (four digits are as prompts
  write numbers, and too few to tell a leak from chance: that those are of the search is what the tests ask);
- the value of an environment variable (of 8 characters or more, not a word of the task's own text): some are planted;
- a placeholder that was not filled, outside of fenced blocks;
- a score with more than 4 significant digits.

Half of the models' replies are broken, so that failures and repairs are among the prompts; a hint is given, and lessons
are written. Validations and fresh looks run during the search; the hold-out is scored at the end of each session, so
that its figures are in the archive while the next one asks.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from archive.records import ModelReply, StoredEvaluation
from archive.store import Archive
from benchmarks.stamp import write_result
from evaluators.contract import Split
from evolve.llm.transcript import prompt_messages
from tests.fake_openai import FakeModel, FakeOpenAI, fake_openai

PLANTED = {
    "EVENKEEL_AUDIT_TOKEN": "planted-4f1c9a7be2d84410",
    "OPENAI_API_KEY": "sk-planted-7d2f61c0aa93",
    "AUDIT_PASSWORD": "planted horse battery",
}
MIN_LENGTH = 8  # of a variable's value
MOST_DIGITS = 4  # significant, of a score
_FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1`*[ \t]*$", re.MULTILINE | re.DOTALL)
_PYTHON = re.compile(r"^(`{3,})python[^\n]*\n.*?^\1`*[ \t]*$", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"\$\{?[a-z_]{2,}\}?|\{[a-z_][a-z_.]*\}|\{\{|\}\}|<[A-Z_]{3,}>")
_SCORE = re.compile(
    r"(?:score[sd]?:?|mean|at|against|\bto|^- [^:\n]{1,60}:) (-?\d+\.\d+(?:e-?\d+)?)\b", re.IGNORECASE | re.MULTILINE
)


def run_file(server: FakeOpenAI, seed: int, attempts: int) -> str:
    models = "\n".join(f'[[models]]\nname = "{name}"\nbase_url = "{server.url}"\n' for name in server.models)
    operators = 'operators = ["diff", "full", "crossover", "repair", "simplify"]\n'
    return (
        f"seed = {seed}\nattempts = {attempts}\nlessons_every = 20\nlook_every = 20\nworkers = 2\n"
        f'final_tier = "quick"\nfinalists = 3\n{operators}{models}'
    )


def evolve(words: Sequence[str]) -> None:
    environment = {**os.environ, **PLANTED}
    done = subprocess.run([sys.executable, "-m", "evolve.cli", *words], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"evolve {' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")


def play(server: FakeOpenAI, folder: Path, task: str, attempts: int) -> str:
    """Two runs of a task in one archive, with a hint in the second; the archive's URL."""
    url = f"sqlite:///{folder}/{task}.db"
    for seed in (1, 2):
        (folder / "run.toml").write_text(run_file(server, seed, attempts if seed == 1 else attempts // 4))
        evolve(["run", task, "--config", f"{folder}/run.toml", "--archive", url, "--json"])
    with Archive.open(url, create=False, read_only=True) as archive:
        last = archive.runs()[-1].id
    evolve(["hint", last, "the planted hint: sort before you place", "--archive", url])
    evolve(["resume", last, "--attempts", str(attempts - attempts // 2), "--archive", url, "--json"])
    return url


def figures_of(stored: Sequence[StoredEvaluation]) -> set[float]:
    """Every score of these evaluations: objective, regimes, instances."""
    found: set[float] = set()
    for evaluation in (one.evaluation for one in stored):
        regimes: dict[str, list[float]] = {}
        for instance in evaluation.instances:
            regimes.setdefault(instance.regime, []).append(instance.counted_score)
        found |= {fmean(scores) for scores in regimes.values()}
        found |= {score for scores in regimes.values() for score in scores}
        found |= set() if evaluation.objective is None else {evaluation.objective}
    return found


def written(figure: float) -> set[str]:
    """How a figure may be written; only what is too long to be there by chance."""
    texts = {repr(figure), f"{figure:.6g}", f"{figure:.8g}"}
    return {text for text in texts if len(text.lstrip("-0.").replace(".", "")) >= 6}


def numbers_in(text: str) -> set[str]:
    return set(re.findall(r"-?\d+\.\d+(?:e-?\d+)?", text))


def foreign_figures(prompts: Sequence[str], own: set[float], foreign: set[float]) -> list[str]:
    """Figures of other splits that occur in a prompt and are no figure of the search."""
    known = {text for figure in own for text in written(figure)}
    wanted = {text for figure in foreign for text in written(figure)} - known
    return sorted({number for prompt in prompts for number in numbers_in(prompt) & wanted})


def leaked_variables(prompts: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Names of variables whose value a prompt holds."""
    values = {name: value for name, value in environment.items() if len(value) >= MIN_LENGTH}
    return sorted(name for name, value in values.items() if any(value in prompt for prompt in prompts))


def placeholders(prompts: Sequence[str]) -> list[str]:
    return sorted({found for prompt in prompts for found in _PLACEHOLDER.findall(_FENCE.sub("", prompt))})


def long_scores(prompts: Sequence[str]) -> list[str]:
    """Scores with more digits than say anything; programs are not looked into."""
    return sorted({number for prompt in prompts for number in _long(_PYTHON.sub("", prompt))})


def _long(text: str) -> Iterator[str]:
    for number in _SCORE.findall(text):
        digits = number.lstrip("-").partition("e")[0].replace(".", "").lstrip("0")
        if len(digits) > MOST_DIGITS:
            yield number


def replies_of(archive: Archive) -> list[ModelReply]:
    return [
        row
        for run in archive.runs()
        for attempt in archive.attempts(run.id)
        for row in archive.replies(run.id, attempt.index)
    ]


def audit(url: str) -> dict[str, object]:
    with Archive.open(url, create=False, read_only=True) as archive:
        runs = archive.runs()
        attempts = sum(len(archive.attempts(run.id)) for run in runs)
        rows = replies_of(archive)
        stored = [one for run in runs for one in archive.evaluations_for_run(run.id)]
        secrets = [archive.holdout_secret(), *(run.secret for run in runs)]
    prompts = ["\n\n".join(message.text for message in prompt_messages(row.prompt)) for row in rows]
    own = figures_of([one for one in stored if one.evaluation.split is Split.SEARCH])
    others = {split: figures_of([s for s in stored if s.evaluation.split is split]) for split in Split}
    foreign = others[Split.VALIDATION] | others[Split.HOLDOUT]
    return {
        "attempts": attempts,
        "prompts": len(prompts),
        "characters": sum(map(len, prompts)),
        "prompts_with_failures": sum("```text failures" in prompt for prompt in prompts),
        "prompts_with_feedback": sum("```text feedback" in prompt for prompt in prompts),
        "prompts_with_lessons": sum("```text lessons" in prompt for prompt in prompts),
        "prompts_with_the_hint": sum("the planted hint" in prompt for prompt in prompts),
        "repair_calls": sum('"assistant"' in row.prompt for row in rows),
        "figures_of_search": len(own),
        "figures_of_validation_and_holdout": len(foreign),
        "foreign_figures_found": foreign_figures(prompts, own, foreign),
        "secrets_found": sum(secret in prompt for secret in secrets for prompt in prompts),
        "variables_looked_for": sum(len(value) >= MIN_LENGTH for value in {**os.environ, **PLANTED}.values()),
        "variables_found": leaked_variables(prompts, {**os.environ, **PLANTED}),
        "placeholders_found": placeholders(prompts),
        "long_scores_found": long_scores(prompts),
    }


def require_teeth() -> None:
    """That each check finds what it looks for."""
    bad = f"It scores 0.712, and 0.7123456789 at last.\n- fast: 0.41234\n{PLANTED['AUDIT_PASSWORD']} $parent {{name}}"
    found = (
        foreign_figures([bad], {0.5}, {0.7123456789}),
        leaked_variables([bad], PLANTED),
        placeholders([bad]),
        long_scores([bad]),
    )
    wanted = (["0.7123456789"], ["AUDIT_PASSWORD"], ["$parent", "{name}"], ["0.41234"])
    if found != wanted:
        raise SystemExit(f"the audit is blind: expected {wanted}, found {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", action="append", default=[], help="NAME:ATTEMPTS, repeatable")
    arguments = parser.parse_args()
    wanted = [part.partition(":") for part in arguments.task or ["toy:240", "expert_replication:100"]]
    require_teeth()
    models = [FakeModel(name="good", quality=0.7), FakeModel(name="bad", quality=0.3)]
    with tempfile.TemporaryDirectory() as name, fake_openai(*models) as server:
        found = {task: audit(play(server, Path(name), task, int(number or 100))) for task, _, number in wanted}
    write_result("prompt_audit", found)


if __name__ == "__main__":
    main()
