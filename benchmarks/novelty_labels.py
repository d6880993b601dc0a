"""What the novelty checks say of programs whose relation is known.

Usage: ``python -m benchmarks.novelty_labels``

Every shipped program of every task (initial programs and baselines), and variations of it that are made here:

- exact: the same text
- comments: comments and blank lines added
- laid out: printed anew by `ast.unparse`; the following three are compared with this
- renamed: the local variables of every function under other names
- reordered: two neighbouring functions change places
- constant: one number changed
- edited: a child by the genetic proposer that changes code, not numbers (initial programs only)
- different: two programs of one task, each a method of its own

Counted for each kind: equal by text, equal by syntax digest, and the resemblance of their shingles.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from benchmarks.shingles import resemblance, shingles
from benchmarks.stamp import write_result
from evolve.genetic import GeneticChild, propose
from evolve.genetic.operators import mutations
from evolve.novelty.known import ast_digest, source_digest
from evolve.search.request import Member, MutationRequest, Operator
from evolve.syntax import names_stored_in, other_bindings, own_nodes, parameter_names

SEEDS = Path(__file__).parents[1] / "seeds"
THRESHOLDS = (1.0, 0.98, 0.95, 0.9, 0.8)
CHILDREN = 20  # of each initial program
Pair = tuple[str, str]


def programs_by_task() -> dict[str, dict[str, str]]:
    """The source of every shipped program, by task and name."""
    found: dict[str, dict[str, str]] = {}
    for folder in sorted(path for path in SEEDS.iterdir() if (path / "initial.py").exists()):
        paths = [folder / "initial.py", *sorted((folder / "baselines").glob("[a-z]*.py"))]
        found[folder.name] = {path.stem: path.read_text(encoding="utf-8") for path in paths}
    return found


def commented(source: str) -> str | None:
    """`source` with a comment above each top-level statement that is not decorated."""
    lines = source.splitlines()
    for statement in reversed(ast.parse(source).body):
        if statement.col_offset == 0 and not isinstance(statement, ast.Expr) and not _is_decorated(statement):
            lines[statement.lineno - 1 : statement.lineno - 1] = ["", "# looked at again"]
    return "\n".join(lines) + "\n"


def renamed(source: str) -> str | None:
    """`source` with the local variables of its functions renamed; None if it has none."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inner = {other for node in functions for other in ast.walk(node) if other is not node and other in functions}
    count = sum(_rename_locals(node) for node in functions if node not in inner and not _nests(node))
    return ast.unparse(tree) + "\n" if count else None


def reordered(source: str) -> str | None:
    """`source` with the first two neighbouring top-level functions exchanged; None if there are none."""
    tree = ast.parse(source)
    for place in range(len(tree.body) - 1):
        one, other = tree.body[place : place + 2]
        if isinstance(one, ast.FunctionDef) and isinstance(other, ast.FunctionDef):
            tree.body[place : place + 2] = [other, one]
            return ast.unparse(tree) + "\n"
    return None


def with_another_number(source: str) -> str | None:
    """`source` with its last number changed; None if it has none."""
    tree = ast.parse(source)
    numbers = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) in (int, float)]
    if not numbers:
        return None
    last = max(numbers, key=lambda node: (node.lineno, node.col_offset))
    last.value = float(str(last.value)) + 7
    return ast.unparse(tree) + "\n"


def laid_out(source: str) -> str:
    """`source` as `ast.unparse` prints it."""
    return ast.unparse(ast.parse(source)) + "\n"


VARIATIONS: dict[str, Callable[[str], str | None]] = {
    "exact": lambda source: source,
    "comments": commented,
    "laid_out": laid_out,
}
VARIATIONS_LAID_OUT: dict[str, Callable[[str], str | None]] = {
    "renamed": renamed,
    "reordered": reordered,
    "constant": with_another_number,
}


def edited(initial: str) -> Iterator[str]:
    """Children of an initial program in which code was changed."""
    member = Member(candidate_id="initial", score=0.0, instance_scores=(), attempt_index=None, parent_id=None)
    for number in range(CHILDREN):
        request = MutationRequest(
            index=number, island=0, operator=Operator.MUTATE, parent=member, inspirations=(), num_tells=0
        )
        child = propose(request, initial, (), np.random.default_rng([7, number]), lambda _: False, mutations(0.0))
        if isinstance(child, GeneticChild) and "perturb_constant" not in child.operator:
            yield child.source


def labelled_pairs() -> dict[str, list[Pair]]:
    """Pairs of programs by how they are related."""
    tasks = programs_by_task()
    sources = [source for programs in tasks.values() for source in programs.values()]
    pairs = {
        kind: [(source, other) for source in sources if (other := vary(source)) is not None]
        for kind, vary in VARIATIONS.items()
    }
    for kind, vary in VARIATIONS_LAID_OUT.items():
        varied = [(laid_out(source), vary(source)) for source in sources]
        pairs[kind] = [(source, other) for source, other in varied if other is not None]
    pairs["edited"] = [(p["initial"], child) for p in tasks.values() for child in edited(p["initial"])]
    pairs["different"] = [pair for programs in tasks.values() for pair in combinations(programs.values(), 2)]
    return pairs


def figures_of(pairs: Sequence[Pair]) -> dict[str, object]:
    """Shares of `pairs` that each check takes for the same program."""
    alike = np.array([resemblance(shingles(one), shingles(other)) for one, other in pairs])
    syntax = [ast_digest(one) == ast_digest(other) for one, other in pairs]
    return {
        "pairs": len(pairs),
        "equal_by_text": float(np.mean([source_digest(one) == source_digest(other) for one, other in pairs])),
        "equal_by_syntax": float(np.mean(syntax)),
        "resemblance_quartiles": [round(float(value), 4) for value in np.quantile(alike, [0.25, 0.5, 0.75])],
        "resemblance_at_least": {str(t): round(float(np.mean(alike >= t)), 4) for t in THRESHOLDS},
    }


def main() -> None:
    """Counts, prints and stores."""
    write_result("novelty_labels", {kind: figures_of(pairs) for kind, pairs in labelled_pairs().items()})


def _is_decorated(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef | ast.ClassDef) and bool(statement.decorator_list)


def _nests(function: ast.FunctionDef) -> bool:
    """Whether other scopes inside see its names: then renaming is no small matter."""
    scopes = (ast.FunctionDef, ast.Lambda, ast.ClassDef, ast.Global, ast.Nonlocal)
    return any(isinstance(node, scopes) for node in ast.walk(function) if node is not function)


def _rename_locals(function: ast.FunctionDef) -> int:
    fixed = set(parameter_names(function.args))
    stored: set[str] = set()
    for node in own_nodes(function):
        fixed.update(other_bindings(node))
        stored.update(names_stored_in(node))
    names = sorted(stored - fixed)
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = f"renamed_{names.index(node.id)}"
    return len(names)


if __name__ == "__main__":
    main()
