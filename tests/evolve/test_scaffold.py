from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from evolve import scaffold
from evolve.blocks import find_blocks
from evolve.scaffold import ScaffoldError


def test_every_file_speaks_of_the_new_task_only() -> None:
    made = scaffold.files("print_shop")
    assert {"task.py", "workload.py", "score.py", "seeds/initial.py", "seeds/baselines/round_robin.py"} <= set(made)
    assert {"README.md", "pyproject.toml", "tests/test_print_shop.py"} <= set(made)
    assert not [path for path, text in made.items() if scaffold.TEMPLATE_NAME in path + text]
    assert find_blocks(made["seeds/initial.py"])


def test_python_files_compile_and_the_entry_point_names_the_problem() -> None:
    made = scaffold.files("print_shop")
    for path, text in made.items():
        if path.endswith(".py"):
            compile(text, path, "exec")
    project = tomllib.loads(made["pyproject.toml"])
    entry_points = project["project"]["entry-points"]["evenkeel.tasks"]
    assert entry_points == {"print_shop": "print_shop.task:PROBLEM"}
    assert project["tool"]["setuptools"]["package-dir"] == {"print_shop": "."}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Print-Shop", "such as print_shop"),
        ("2fast", "such as fast"),
        ("class", "no keyword"),
        ("", "lower-case letters"),
        ("toy", "a task 'toy' already"),
        ("json", "Python module"),
        ("evolve", "Python module"),
    ],
)
def test_names_that_will_not_do_are_refused_with_one_that_will(name: str, said: str) -> None:
    with pytest.raises(ScaffoldError, match=said):
        scaffold.check_name(name, ("toy",))


def test_nothing_is_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    scaffold.write(folder, "shop")  # an empty folder will do
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ScaffoldError, match="is there already"):
        scaffold.write(folder, "shop")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    with pytest.raises(ScaffoldError, match="cannot write"):
        scaffold.write(folder / "task.py" / "inner", "inner")
