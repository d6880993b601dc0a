"""A brief in, messages out. Pure but for reading the templates."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import Task
from evaluators.figures import significant
from evolve.blocks import BlockError, blocks_alone, outside_blocks
from evolve.interface import names_needed, told
from evolve.llm.model import Message
from evolve.patch.patched import MAX_SOURCE_BYTES, ReplyForm
from evolve.prompting.advice import ADVICE_CHARS
from evolve.prompting.brief import Failure, PromptBrief, PromptError, Shown
from evolve.prompting.fencing import cleaned, clipped, fenced, line
from evolve.prompting.figures import (
    changes_text,
    limits_text,
    metrics_text,
    objective_text,
    scores_text,
    settings_text,
    strengths_text,
    weakest_text,
)
from evolve.prompting.templates import filled
from evolve.search.request import Operator

# Longest texts of others, in characters. The program to change is never cut: edits must be able to quote it.
INSPIRATION_CHARS = 24_000
FEEDBACK_CHARS = 6_000
LESSONS_CHARS = 6_000
HINT_CHARS = 1_000
REPLY_CHARS = 24_000
ERROR_CHARS = 3_000
MOST_FAILURES = 5
MOST_HINTS = 8
_CHANGE_CHARS = 200
_DETAIL_CHARS = 500
_NAME_CHARS = 60


def build(brief: PromptBrief) -> tuple[Message, ...]:
    """The system's message, the same for a task and a form, and the user's, with the programs.

    The program to change is the last fenced block of Python; its info string is ``python parent``.

    Raises:
        PromptError: The operator is one of genetic proposers only.
    """
    sections = [
        *_inspirations(brief),
        _parent(brief),
        _failures(brief.failures),
        _lessons(brief.lessons),
        _advice(brief.advice),
        _hints(brief.hints),
        _instruction(brief),
        "Begin your reply with the `CHANGE:` line.",
    ]
    return (
        Message("system", system_text(brief.task, brief.form)),
        Message("user", "\n\n".join(section for section in sections if section)),
    )


def build_repair(brief: PromptBrief, reply_text: str, error_text: str) -> tuple[Message, ...]:
    """The conversation so far and what was wrong with the reply, for the one further call that it gets.

    Raises:
        PromptError: See `build`.
    """
    return (
        *build(brief),
        Message("assistant", clipped(cleaned(reply_text), REPLY_CHARS) or "(empty)"),
        Message("user", filled("retry", error=fenced(error_text, "text error", ERROR_CHARS))),
    )


def system_text(task: Task, form: ReplyForm) -> str:
    """Rules, task and form of the reply; from the `Task` alone, so that prompt and scorer cannot disagree."""
    entry_points = "\n\n".join(f"`{point.signature}`\n{point.description.strip()}" for point in task.entry_points)
    description = filled(
        "task",
        name=task.name,
        summary=task.summary,
        entry_points=entry_points,
        objective=objective_text(task),
        metrics=metrics_text(task),
        limits=limits_text(task),
        settings=settings_text(task),
    )
    return filled("system", task=description.strip("\n"), reply_form=filled(f"reply_{form}"))


def _parent(brief: PromptBrief) -> str:
    if brief.asked is Operator.REPAIR and brief.broken is not None:
        return _broken_parent(brief, brief.broken)
    parent = brief.parent
    return "\n\n".join(
        [
            f"# The parent, `{_name(parent)}`",
            scores_text(brief.task, parent),
            *_feedback(parent),
            fenced(brief.subject, "python parent", MAX_SOURCE_BYTES),
            *_interface(brief),
        ]
    )


def _interface(brief: PromptBrief) -> list[str]:
    """What a program that is written anew must not forget."""
    needed = names_needed(brief.task, brief.subject) if brief.form is ReplyForm.FULL else ()
    if not needed:
        return []
    names = told(needed)
    return [f"The code outside the markers uses {names}: define all of it between them, or call none of that code."]


def _broken_parent(brief: PromptBrief, broken: Failure) -> str:
    return "\n\n".join(
        [
            f"# The broken program, made from `{_name(brief.parent)}`",
            f"Scores of `{_name(brief.parent)}`, which works:\n{scores_text(brief.task, brief.parent)}",
            fenced(_failure_text(broken), "text failures", ERROR_CHARS),
            fenced(brief.subject, "python parent", MAX_SOURCE_BYTES),
        ]
    )


def _inspirations(brief: PromptBrief) -> list[str]:
    return [
        "\n\n".join(
            [
                f"# Another program, `{_name(shown)}`",
                scores_text(brief.task, shown),
                *_feedback(shown),
                *_program_beside(shown.source, brief.subject),
            ]
        )
        for shown in brief.inspirations
    ]


def _program_beside(source: str, subject: str) -> list[str]:
    """Another program; of one that shares the text outside the markers with `subject` only what differs."""
    try:
        parts, shown = outside_blocks(source), blocks_alone(source)
        is_kin = bool(shown) and parts == outside_blocks(subject)
    except BlockError:
        is_kin = False
    if not is_kin:
        return [fenced(source, "python inspiration", INSPIRATION_CHARS)]
    return [
        "The text around its markers is that of the program below.",
        fenced(shown, "python inspiration", INSPIRATION_CHARS),
    ]


def _feedback(shown: Shown) -> list[str]:
    return [fenced(shown.feedback, "text feedback", FEEDBACK_CHARS)] if shown.feedback.strip() else []


def _failures(failures: Sequence[Failure]) -> str:
    if not failures:
        return ""
    text = "\n".join(_failure_text(failure) for failure in failures[:MOST_FAILURES])
    return f"# What was tried from this parent and brought nothing\n\n{fenced(text, 'text failures', FEEDBACK_CHARS)}"


def _failure_text(failure: Failure) -> str:
    lines = [
        f"- {line(failure.change, _CHANGE_CHARS) or '(no description)'}",
        f"  {line(failure.outcome, _CHANGE_CHARS)}",
    ]
    if failure.detail.strip():
        lines.append(f"  {line(failure.detail, _DETAIL_CHARS)}")
    if failure.changes:
        lines.append(f"  {line(changes_text(failure.changes), _DETAIL_CHARS)}")
    return "\n".join(lines)


def _lessons(lessons: str) -> str:
    return (
        f"# Lessons of this run so far\n\n{fenced(lessons, 'text lessons', LESSONS_CHARS)}" if lessons.strip() else ""
    )


def _advice(advice: str) -> str:
    if not advice.strip():
        return ""
    text = fenced(advice, "text advice", ADVICE_CHARS)
    return f"# How to go about it\nAdvice from earlier in this search; it does not change the rules.\n\n{text}"


def _hints(hints: Sequence[str]) -> str:
    if not hints:
        return ""
    text = "\n".join(f"- {line(hint, HINT_CHARS)}" for hint in hints[-MOST_HINTS:])
    return (
        "# Hints from the person who runs this search\nFollow them where they concern the program; they do not change "
        f"the rules.\n\n{fenced(text, 'text hints', MOST_HINTS * (HINT_CHARS + 3))}"
    )


def _instruction(brief: PromptBrief) -> str:
    match brief.asked:
        case Operator.DIFF | Operator.FULL:
            weakest = (
                weakest_text(brief.parent, brief.best_regimes, brief.inspirations)
                or f"It scores {significant(brief.parent.score)}."
            )
            return filled(brief.asked, weakest=weakest)
        case Operator.CROSSOVER:
            partner = brief.inspirations[0]
            return filled("crossover", partner=_name(partner), strengths=strengths_text(brief.parent, partner))
        case Operator.REPAIR:
            return filled("repair", ancestor=_name(brief.parent))
        case Operator.SIMPLIFY:
            return filled("simplify")
        case Operator.MUTATE:
            raise PromptError("no prompt asks for the operator mutate, which is that of genetic proposers")


def _name(shown: Shown) -> str:
    return line(shown.name, _NAME_CHARS) or "program"
