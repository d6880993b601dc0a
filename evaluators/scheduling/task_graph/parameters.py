"""What a user may set."""

from __future__ import annotations

from evaluators.parameter_specs import choice, file, integer, number
from evaluators.scheduling.task_graph.platforms import PLATFORMS
from evaluators.scheduling.task_graph.shapes import SHAPES

MIXED = "mixed"
MOST_TASKS = 500
MOST_PROCESSORS = 64
JITTER = 0.1

# What is not set (0, -1, mixed) is the suite's to choose: some values in search and validation, others in the hold-out.
PARAMETERS = (
    integer("tasks", 0, 0, MOST_TASKS, "tasks of a graph, about; 0: by scenario, 40 to 250"),
    integer("processors", 0, 0, MOST_PROCESSORS, "processors; 0: by scenario, 3 to 16"),
    number("ccr", -1.0, -1.0, 100.0, "mean transfer between processors over mean work of a task; -1: by scenario"),
    number("heterogeneity", -1.0, -1.0, 2.0, "spread of times over processors: 0 alike, 2 widest; -1: by scenario"),
    choice("platform", MIXED, (MIXED, *PLATFORMS), "what processors and links are like; mixed: by scenario"),
    choice("shape", MIXED, (MIXED, *SHAPES), "what generated graphs look like; mixed: by scenario"),
    number("jitter", JITTER, 0.01, 1.0, "of a graph of your own: spread of times and data from instance to instance"),
    file(
        "graph",
        "a graph of your own: JSON (tasks, edges, perhaps times by processor and links) or STG; the report split plays "
        "it as it is, the others with times and data that vary",
    ),
)
