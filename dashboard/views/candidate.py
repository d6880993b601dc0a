"""One program as tables: where it came from, how it scored, what was paid for it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import pandas as pd

from archive.records import Attempt, ModelReply, StoredEvaluation
from archive.run_views import Score
from dashboard import inert, words
from evaluators.contract import Environment, Evaluation, Outcome, Picture

MAX_DIFF_LINES = 2_000  # of either program: the time of a diff grows with their product
_MAX_FAILURES = 20
_MAX_BARS = 5_000


def evaluation_frame(stored: Sequence[StoredEvaluation]) -> pd.DataFrame:
    """One row per evaluation, newest first."""
    rows = [
        {
            "task": inert.cell(s.evaluation.task),
            "split": str(s.evaluation.split),
            "tier": str(s.evaluation.tier),
            "outcome": s.evaluation.outcome.replace("_", " "),
            "score": s.evaluation.objective,
            "instances": len(s.evaluation.instances),
            "failed": sum(i.outcome is not Outcome.SCORED for i in s.evaluation.instances),
            "cpu_s": s.evaluation.cpu_s,
            "planner clock": s.planner_clock,
            "environment": inert.cell(s.evaluation.environment_class),
            "run": s.run_id or "by hand",
            "at, UTC": words.minute(s.created_at),
        }
        for s in reversed(stored)
    ]
    return pd.DataFrame(rows)


def telling_evaluation(stored: Sequence[StoredEvaluation]) -> StoredEvaluation | None:
    """The newest evaluation that says most of a program: with pictures, then scored, then with most instances."""
    return max(
        stored,
        key=lambda s: (
            bool(s.evaluation.pictures),
            s.evaluation.outcome is Outcome.SCORED,
            len(s.evaluation.instances),
            s.id,
        ),
        default=None,
    )


def score_frame(evaluation: Evaluation) -> pd.DataFrame:
    """One row per instance of an evaluation on its own."""
    rows = [
        (inert.cell(i.name), inert.cell(i.regime), str(i.outcome), i.counted_score, sum(i.delays_s))
        for i in evaluation.instances
    ]
    return pd.DataFrame(rows, columns=["instance", "regime", "outcome", "score", "planner_s"])


def failure_texts(stored: Sequence[StoredEvaluation]) -> list[str]:
    """What went wrong, each sentence once, newest first; words of the program may be among them."""
    found = dict.fromkeys(
        f"{s.evaluation.split} {s.evaluation.tier}, {i.outcome}: {i.detail}"
        for s in reversed(stored)
        for i in s.evaluation.instances
        if i.detail
    )
    return [inert.cell(text, 600) for text in list(found)[:_MAX_FAILURES]]


def diff_text(old: str, new: str, old_name: str, new_name: str) -> str:
    """A unified diff of two programs, empty where they are equal; over-long ones are compared in their beginning."""
    before, after = _lines(old), _lines(new)
    lines = difflib.unified_diff(before, after, old_name, new_name, lineterm="")
    return inert.shown("\n".join(lines))


def step_frame(steps: Sequence[Attempt], scores: Mapping[str, Score]) -> pd.DataFrame:
    """Attempts as a table: an ancestry oldest first, or children."""
    rows = [
        {
            "attempt": step.index,
            "island": step.island,
            "by": inert.cell(step.proposer),
            "operator": inert.cell(step.operator),
            "parent": step.parent_id[:10],
            "score": _score_of(step, scores),
            "ending": _ending_of(step, scores),
            "change": inert.cell(step.change or step.rejection),
            "id": step.candidate_id or "",
        }
        for step in steps
    ]
    return pd.DataFrame(rows)


def best_path_frame(founder_id: str, steps: Sequence[Attempt], scores: Mapping[str, Score]) -> pd.DataFrame:
    """The scores along an ancestry, founder first, with the best so far."""
    ids = [founder_id, *(step.candidate_id or "" for step in steps)]
    changes = ["the run began with it", *(inert.cell(step.change) for step in steps)]
    found = [scores[number].objective if number in scores else None for number in ids]
    frame = pd.DataFrame({"generation": range(len(ids)), "score": found, "change": changes, "id": ids})
    return frame.assign(best=frame["score"].astype(float).cummax())


def reply_frame(replies: Sequence[ModelReply]) -> pd.DataFrame:
    """What each model call cost."""
    rows = [
        {
            "call": reply.ordinal,
            "model": inert.cell(reply.model),
            "ended": inert.cell(reply.finish_reason),
            "prompt tokens": reply.prompt_tokens,
            "reply tokens": reply.reply_tokens,
            "price_usd": reply.price_usd,
            "latency_s": reply.latency_s,
        }
        for reply in replies
    ]
    return pd.DataFrame(rows)


def environment_frame(environment: Environment) -> pd.DataFrame:
    """Where an evaluation was made."""
    rows = [
        ("CPU", environment.cpu_model),
        ("architecture", environment.architecture),
        ("operating system", environment.operating_system),
        ("Python", environment.python),
        *((name, version) for name, version in environment.libraries.items()),
        ("sandbox layers", environment.sandbox),
        ("evaluator revision", environment.evaluator_revision),
        ("device", environment.device or "none"),
        ("driver", environment.driver or "none"),
    ]
    return pd.DataFrame([(name, inert.cell(value)) for name, value in rows], columns=["what", "value"])


def picture_frame(picture: Picture) -> pd.DataFrame:
    """The table of a picture, at most `_MAX_BARS` rows; its columns are numbered where names are missing or double."""
    names = [inert.cell(name, 40) or f"column {i}" for i, name in enumerate(picture.columns)]
    unique = [name if names.index(name) == i else f"{name} ({i})" for i, name in enumerate(names)]
    return pd.DataFrame([row[: len(unique)] for row in picture.rows[:_MAX_BARS]], columns=unique)


def picture_labels(picture: Picture) -> list[str]:
    """The names of its rows, where they are numbered and the picture's name lists them: ``score by regime (a, b)``.

    Rows of a picture are numbers alone; the tasks write what the first column counts at the end of the name.
    """
    _, opened, listed = picture.name.rpartition(" (")
    names = listed.removesuffix(")").split(", ")
    is_list = bool(opened) and picture.name.endswith(")")
    is_numbered = [row[0] for row in picture.rows if row] == list(range(len(names)))
    return [inert.cell(name, 40) for name in names] if is_list and is_numbered else []


def picture_title(picture: Picture) -> str:
    """The picture's name without the list of its rows."""
    return picture.name.rpartition(" (")[0] if picture_labels(picture) else picture.name


def _lines(source: str) -> list[str]:
    return inert.shown(source, MAX_DIFF_LINES).split("\n")


def _score_of(step: Attempt, scores: Mapping[str, Score]) -> float | None:
    score = scores.get(step.candidate_id or "")
    return score.objective if score else None


def _ending_of(step: Attempt, scores: Mapping[str, Score]) -> str:
    if step.rejection:
        return "rejected"
    if step.twin_id is not None:
        return "twin"
    score = scores.get(step.candidate_id or "")
    return score.outcome if score else str(step.state)
