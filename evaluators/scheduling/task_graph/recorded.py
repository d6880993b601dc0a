"""The user's own graph, and the instances that are made of it.

Shapes: N tasks, E edges, P processors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evaluators.contract import ParameterValue
from evaluators.parameters import file_path
from evaluators.scheduling.task_graph.graph import Floats, Network, TaskGraph
from evaluators.scheduling.task_graph.graph_file import MOST_BYTES, outline_from_json, parsed, processors_from_json
from evaluators.scheduling.task_graph.platforms import Machine, assemble, edges_of, renumbered
from evaluators.scheduling.task_graph.shapes import Outline
from evaluators.scheduling.task_graph.stg import outline_from_stg
from evaluators.user_file import read_text

DRAWN_VARIANTS = 12  # of a graph without processors, in the report split


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One graph, with its own processors or without."""

    outline: Outline
    own: tuple[Floats, Network] | None  # times (N, P) and links

    @property
    def variants(self) -> int:
        """How many instances differ where times and data are as recorded."""
        return DRAWN_VARIANTS if self.own is None else 1

    def drawn(self, machine: Machine, jitter: float, rng: np.random.Generator) -> TaskGraph:
        """The graph with times and data spread by `jitter`, on its own processors or on a machine that is drawn."""
        work_N = np.exp(jitter * rng.standard_normal(len(self.outline.work)))
        data_E = np.exp(jitter * rng.standard_normal(len(self.outline.edges)))
        outline = Outline(
            kinds=self.outline.kinds,
            work=(np.array(self.outline.work) * work_N).tolist(),
            edges=[(s, t, data * f) for (s, t, data), f in zip(self.outline.edges, data_E.tolist(), strict=True)],
        )
        if self.own is None:
            return assemble(outline, machine, rng)
        times_NP, network = self.own
        return renumbered(times_NP * work_N[:, None], edges_of(outline), network, rng)


@lru_cache(maxsize=1)
def read_recording(value: ParameterValue) -> Recording:
    """The graph in a file parameter's value.

    Raises:
        ContractError: Not such a file; says which task or edge departs from the form, and how.
    """
    path = file_path(value)
    where = f"graph {path}"
    text = read_text(path, where, "JSON or STG", MOST_BYTES)
    if not text.lstrip().startswith(("{", "[")):
        return Recording(outline_from_stg(text, where), None)
    content = parsed(text, where)
    outline, order = outline_from_json(content, where)
    return Recording(outline, processors_from_json(content, order, where))
