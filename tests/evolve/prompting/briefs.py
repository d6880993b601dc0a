"""Briefs for the golden files: a task, a small program, and one of everything that a prompt may show."""

from __future__ import annotations

from pathlib import Path

from evaluators.contract import Task
from evaluators.registry import problem
from evolve.llm.model import Message
from evolve.patch import ReplyForm
from evolve.prompting import Failure, PromptBrief, Shown, build, build_repair
from evolve.prompting.build import system_text
from evolve.search.request import Operator

GOLDEN = Path(__file__).parent / "golden"
TASKS = ("expert_replication", "toy")
OPERATORS = (Operator.DIFF, Operator.FULL, Operator.CROSSOVER, Operator.REPAIR, Operator.SIMPLIFY)
REWRITTEN = (Operator.FULL, Operator.CROSSOVER)


def program(name: str, body: str) -> str:
    return f"import numpy as np\n\n# EVOLVE-BLOCK-START\ndef {name}(x):\n    {body}\n\n\n# EVOLVE-BLOCK-END\n"


def sample_brief(task_name: str, operator: Operator) -> PromptBrief:
    task = problem(task_name).task
    entry = task.entry_points[0].name
    parent = Shown(
        name="candidate 3f2a91",
        source=program(entry, "return x[0]"),
        score=0.4137720145,
        regimes={"steady": 0.6201448, "bursty": 0.2074} | {"even": 0.5},
        metrics={spec.name: 1 / (index + 3) for index, spec in enumerate(task.metrics[:4])},
        feedback="- steady: GPU balance 0.81\n- bursty: planner late in 3 windows",
    )
    other = Shown(
        name="flash_lb",
        source=program(entry, "return np.median(x)"),
        score=0.4092217,
        regimes={"steady": 0.51, "bursty": 0.3122985},
    )
    failed = Failure(
        change="use a sliding window of 64",
        outcome="timed_out",
        detail="plan: no answer within 10 s",
        source=program(entry, "return x[-64:].mean("),
    )
    older = Failure(
        change="drop the history",
        outcome="scored 0.40125, the parent 0.4137720145",
        changes={"steady": 0.0125, "bursty": -0.0500665, "even": 0.0},
    )
    return PromptBrief(
        task=task,
        operator=operator,
        form=ReplyForm.FULL if operator in REWRITTEN else ReplyForm.DIFF,
        parent=parent,
        inspirations=(other,) if operator in REWRITTEN else (),
        failures=() if operator is Operator.REPAIR else (failed, older),
        lessons="Medians beat means in every regime so far." if operator in REWRITTEN else "",
        hints=("prefer plans that move few experts",),
        broken=failed if operator is Operator.REPAIR else None,
    )


def golden_texts() -> dict[str, str]:
    """What each golden file should hold, by name."""
    texts: dict[str, str] = {}
    for task_name in TASKS:
        task: Task = problem(task_name).task
        for form in ReplyForm:
            texts[f"{task_name}.system_{form}.txt"] = system_text(task, form) + "\n"
        for operator in OPERATORS:
            texts[f"{task_name}.{operator}.txt"] = build(sample_brief(task_name, operator))[1].text + "\n"
    retry = build_repair(sample_brief("toy", Operator.DIFF), "CHANGE: nothing\n", "SEARCH block 1 of 1 is empty")
    texts["toy.retry.txt"] = retry[-1].text + "\n"
    return texts


def whole_text(messages: tuple[Message, ...]) -> str:
    return "\n".join(message.text for message in messages)
