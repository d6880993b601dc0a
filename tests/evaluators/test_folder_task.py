"""Tasks of the user's own: in a folder or published by a package, refused in one sentence, unreadable to programs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from evaluators import registry
from evaluators.contract import ContractError, Outcome, Split, Tier
from evaluators.environment import current_environment
from evaluators.problem import ClockPolicy
from evaluators.protocol import EvaluateRequest
from evaluators.run import score_program
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.errors import SandboxError
from evaluators.seed_files import seed_files
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.worker import Scorer
from evolve import scaffold
from evolve.execution.opening import worker_command
from evolve.programs import founding_programs


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A scaffolded task."""
    scaffold.write(tmp_path / "shop", "shop")
    return tmp_path / "shop"


def refusal(address: Path | str) -> str:
    with pytest.raises(ContractError) as caught:
        registry.problem(str(address))
    return str(caught.value)


def edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def test_a_folder_is_a_task_with_an_address(shop: Path) -> None:
    task = registry.problem(str(shop)).task
    assert (task.name, task.folder, task.address) == ("shop", str(shop), str(shop))
    assert registry.problem("toy").task.address == "toy"


def test_settings_reach_the_folders_task(shop: Path) -> None:
    problem = registry.problem(str(shop)).configured({"machines": "7"})
    assert problem.task.parameters == {"machines": 7}
    assert problem.task.address == str(shop)
    source = SeedSource(secret_from_seed(0), Split.SEARCH)
    assert len(problem.instances(Tier.QUICK, Split.SEARCH, source)) == 12


def test_an_edit_of_the_code_is_another_task_and_an_edit_of_seeds_is_not(shop: Path) -> None:
    first = registry.problem(str(shop)).task.identity
    edit(shop / "seeds" / "initial.py", lambda text: text.replace("1.0", "2.0"))
    edit(shop / "README.md", lambda text: text + "more")
    assert registry.problem(str(shop)).task.identity == first
    edit(shop / "score.py", lambda text: text.replace("1e-9", "1e-8"))
    assert registry.problem(str(shop)).task.identity != first


def test_edited_code_is_loaded_anew(shop: Path) -> None:
    assert registry.problem(str(shop)).task.revision == 1
    edit(shop / "task.py", lambda text: text.replace("revision=1", "revision=2"))
    assert registry.problem(str(shop)).task.revision == 2


def test_two_folders_with_equal_module_names_do_not_meet(shop: Path, tmp_path: Path) -> None:
    scaffold.write(tmp_path / "other" / "shop", "shop")
    edit(tmp_path / "other" / "shop" / "workload.py", lambda text: text.replace('("uniform", "skewed")', '("skewed",)'))
    source = SeedSource(secret_from_seed(0), Split.SEARCH)
    regimes = [
        {instance.regime for instance in registry.problem(str(folder)).instances(Tier.QUICK, Split.SEARCH, source)}
        for folder in (shop, tmp_path / "other" / "shop")
    ]
    assert regimes == [{"uniform", "skewed"}, {"skewed"}]


def test_what_is_wrong_with_a_folder_is_said_in_one_sentence(shop: Path, tmp_path: Path) -> None:
    assert "there is no folder" in refusal(tmp_path / "nowhere")
    assert "found the file" in refusal(shop / "task.py")
    (tmp_path / "empty").mkdir()
    assert "expected task.py with a PROBLEM" in refusal(tmp_path / "empty")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("PROBLEM = MyProblem()", ""), "defines no PROBLEM"),
        (lambda text: text.replace("PROBLEM = MyProblem()", "PROBLEM = 3"), "must be an object with task, configured"),
        (lambda text: text.replace("PROBLEM = MyProblem()", "PROBLEM = 1 / 0"), r"ZeroDivisionError: .*task.py, line"),
        (lambda text: text + "\ndef broken(:\n", "SyntaxError"),
        (lambda text: text.replace("from .score import", "from score import"), "write `from .score import ...`"),
        (lambda text: text.replace("import numpy as np", "import no_such_thing"), "No module named 'no_such_thing'"),
        (lambda text: text.replace('name="shop"', 'name="toy"'), "Evenkeel has a task of that name"),
        (
            lambda text: text.replace('objective="score"', 'objective="goodness"'),
            "objective: expected among the metrics score, over_bound, found goodness",
        ),
        (
            lambda text: text.replace("    bound=1.0,", '    bound=1.0,\n    trade_offs=("score", "time"),'),
            "trade_offs: expected among the metrics score, over_bound, found time",
        ),
        (
            lambda text: text.replace("dict.fromkeys(Tier,", "dict.fromkeys([Tier.SMOKE, Tier.QUICK],"),
            "limits: expected some for every tier, found none for full, report",
        ),
    ],
)
def test_what_is_wrong_with_the_code_is_said_in_one_sentence(
    shop: Path, change: Callable[[str], str], said: str
) -> None:
    edit(shop / "task.py", change)
    with pytest.raises(ContractError, match=said):
        registry.problem(str(shop))


def test_a_folders_name_without_a_path_is_explained(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.parent)
    assert "say ./shop" in refusal("shop")
    assert registry.problem("./shop").task.name == "shop"


def test_programs_of_a_folder_are_found(shop: Path) -> None:
    assert [program.name for program in founding_programs(str(shop), [])] == ["initial", "round_robin"]


SPY = """
import os

def assign(sizes, machines):
    for path in {paths!r}:
        try:
            open(path).read()
            return [0] * len(sizes)
        except OSError:
            pass
        try:
            os.listdir(path)
            return [0] * len(sizes)
        except OSError:
            pass
    raise RuntimeError("nothing can be read")
"""


def test_programs_cannot_read_the_folder_of_their_task(shop: Path) -> None:
    paths = [str(shop), str(shop / "task.py"), str(shop / "score.py"), str(shop / "seeds" / "initial.py"), "."]
    clock, secret = ClockPolicy(), secret_from_seed(0)
    problem = registry.problem(str(shop))
    source = SPY.format(paths=paths)
    spied = score_program(problem, source, Tier.SMOKE, Split.SEARCH, secret, clock, allow_unsafe=False)
    assert spied.outcome is Outcome.CRASHED
    assert "nothing can be read" in spied.instances[0].detail


def test_a_folder_does_not_go_into_a_container(shop: Path) -> None:
    with pytest.raises(SandboxError, match="install the task into the image"):
        worker_command(registry.problem(str(shop)), "some/image")


def publish(monkeypatch: pytest.MonkeyPatch, *values: str, name: str = "shop") -> None:
    """Entry points as an installed package has them."""
    points = [metadata.EntryPoint(name, value, "evenkeel.tasks") for value in values]
    monkeypatch.setattr(metadata, "entry_points", lambda **_: metadata.EntryPoints(points))
    for module in [module for module in sys.modules if module == "shop" or module.startswith("shop.")]:
        monkeypatch.delitem(sys.modules, module)


def test_a_package_publishes_a_task_with_its_programs(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(shop.parent))
    publish(monkeypatch, "shop.task:PROBLEM")
    assert "shop" in registry.task_names()
    task = registry.problem("shop").task
    assert (task.name, task.address, task.code) == ("shop", "shop", "")
    assert [file.name for file in seed_files("shop").baselines] == ["round_robin.py"]
    assert seed_files("shop").initial is not None


def test_a_published_task_must_load_and_have_the_name_it_is_published_under(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(shop.parent))
    publish(monkeypatch, "shop.task:PROBLEM", name="stall")
    assert "calls itself 'shop'" in refusal("stall")
    publish(monkeypatch, "shop.task:TASK")
    assert "is no Problem but Task" in refusal("shop")
    publish(monkeypatch, "no_such_package.task:PROBLEM")
    assert "cannot be loaded: ModuleNotFoundError" in refusal("shop")
    publish(monkeypatch, "shop.task:PROBLEM", "shop.other:PROBLEM")
    assert "several packages publish" in refusal("shop")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "regimes = HOLDOUT",
            "regimes = {}[split]\n        regimes = HOLDOUT",
            "fails to draw them: KeyError: <Split.SEA",
        ),
        (
            "        regimes = HOLDOUT",
            "        return []\n        regimes = HOLDOUT",
            "with different names.* found none",
        ),
        ("        return [self._jobs", "        [self._jobs", "fails to draw them: TypeError: 'NoneType' object"),
        ('name = f"{regime}-{index}"', "name = regime", "instances with different names.* found 'uniform' twice"),
    ],
)
def test_instances_that_cannot_be_drawn_are_told_in_a_sentence(shop: Path, old: str, new: str, sentence: str) -> None:
    edit(shop / "task.py", lambda text: text.replace(old, new, 1))
    problem = registry.problem(str(shop))
    with pytest.raises(ContractError, match=f"task.py.*{sentence}"):
        problem.instances(Tier.QUICK, Split.SEARCH, SeedSource(secret_from_seed(0), Split.SEARCH))


def test_settings_that_the_folders_code_fails_on_are_told_in_a_sentence(shop: Path) -> None:
    edit(
        shop / "task.py",
        lambda text: text.replace("return MyProblem(replace", "1 / 0\n        return MyProblem(replace"),
    )
    with pytest.raises(
        ContractError, match=r"task.py fails on its settings: ZeroDivisionError: .*\(task.py, line \d+\)"
    ):
        registry.problem(str(shop)).configured({"machines": "7"})


def test_an_error_of_the_folders_scorer_is_told_with_its_line(shop: Path) -> None:
    result = "        return InstanceResult("
    edit(shop / "task.py", lambda text: text.replace(result, f"        {{}}['x']\n{result}"))
    problem = registry.problem(str(shop))
    with Sandbox(["numpy"]) as sandbox:
        environment = current_environment(("numpy",), sandbox.layers)
        scorer = Scorer(problem, {Split.SEARCH: secret_from_seed(0)}, sandbox, environment)
        source = (shop / "seeds" / "initial.py").read_text()
        evaluation = scorer.evaluate(EvaluateRequest(source=source, tier=Tier.QUICK, split=Split.SEARCH))
    assert evaluation.outcome is Outcome.CRASHED
    assert re.search(r"failed on what the program returned: KeyError: 'x' \(task.py, line \d+\)", evaluation.feedback)


def test_feedback_and_pictures_of_another_kind_are_told_in_a_sentence(shop: Path) -> None:
    edit(shop / "task.py", lambda text: text.replace('return "\\n".join(f"{regime}', '"\\n".join(f"{regime}', 1))
    edit(shop / "task.py", lambda text: text.replace("return ()", "return None"))
    problem = registry.problem(str(shop))
    with pytest.raises(ContractError, match="task.py: feedback must return text, found NoneType"):
        problem.feedback(())
    with pytest.raises(ContractError, match=r"task.py: pictures must return a tuple of Picture, or \(\), found None"):
        problem.pictures(())
