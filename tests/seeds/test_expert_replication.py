"""The programs of `seeds/expert_replication`: valid on every shape, EPLB to the digit, frugal where they promise it.

Shapes: W windows, L layers, E experts, P slots per layer, G GPUs.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

SEEDS = Path(__file__).parents[2] / "seeds" / "expert_replication"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
EVERY_PROGRAM = pytest.mark.parametrize("name", FILES)
FROM_SCRATCH = ("initial", "eplb_global", "ema_eplb", "snake", "lpt_swap")  # see only loads, treat all experts alike
MANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def load_program(name: str) -> ModuleType:
    """A fresh module from the program's file, as a sandboxed child would make it."""
    spec = importlib.util.spec_from_file_location(f"seed_{name}", FILES[name])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROGRAMS = {name: load_program(name) for name in FILES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One problem as a program sees it; every array is read-only."""

    loads: Ints  # (W, L, E)
    gpus: int
    slots_per_gpu: int
    nodes: int = 1
    groups: int = 1

    @property
    def config(self) -> dict[str, Any]:
        _, layers, experts = self.loads.shape
        return {
            "layers": layers,
            "experts": experts,
            "top_k": 2,
            "gpus": self.gpus,
            "nodes": self.nodes,
            "slots": self.gpus * self.slots_per_gpu,
            "slots_per_gpu": self.slots_per_gpu,
            "groups": self.groups,
            "expert_bytes": 44_040_192,
            "cost_us": np.arange(4097) * 0.1,
            "cost_slope_us": 0.1,
            "attention_us": 1000.0,
            "bandwidths": {"intra_node": 155e9, "inter_node": 45e9},
            "iterations_per_window": 1000,
            "seed": 7,
        }

    def plans(self, program: ModuleType) -> list[dict[str, Any]]:
        """The replies of a fresh policy, one per window, each plan put into force."""
        policy = program.Policy(self.config)
        _, layers, experts = self.loads.shape
        placement = np.tile(np.arange(self.gpus * self.slots_per_gpu) % experts, (layers, 1)).astype(np.int32)
        replies = []
        for window in range(len(self.loads)):
            history = self.loads[: window + 1]
            samples = np.stack([history[-1] // 3, history[-1] // 2]).astype(np.int32)
            for array in (history, samples, placement):
                array.setflags(write=False)
            replies.append(policy.plan(history, samples, placement, window))
            placement = np.array(replies[-1]["placement"], dtype=np.int32)
        return replies


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """All feasible small shapes: one GPU, one slot per GPU and no redundancy among them; even and extreme loads."""
    gpus, slots_per_gpu = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    experts = draw(st.integers(slots_per_gpu, gpus * slots_per_gpu))
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 3)), experts)
    kind = draw(st.sampled_from(["skewed", "small", "equal", "zero", "one_hot"]))
    return Scenario(
        loads=some_loads(kind, shape, draw(st.integers(0, 2**16))),
        gpus=gpus,
        slots_per_gpu=slots_per_gpu,
        nodes=draw(st.sampled_from([n for n in range(1, gpus + 1) if gpus % n == 0])),
        groups=draw(st.sampled_from([g for g in range(1, experts + 1) if experts % g == 0])),
    )


def some_loads(kind: str, shape: tuple[int, int, int], seed: int) -> Ints:
    rng = np.random.default_rng(seed)
    loads = np.zeros(shape, dtype=np.int64)
    match kind:
        case "skewed":
            loads += (rng.lognormal(8.0, 1.5, shape)).astype(np.int64)
        case "small":
            loads += rng.integers(0, 3, shape)
        case "equal":
            loads += 100
        case "one_hot":
            loads[:, :, rng.integers(shape[2])] = 10_000
    loads.setflags(write=False)
    return loads


def a_model(seed: int = 0, windows: int = 1) -> Scenario:
    """Four layers of 64 experts on 16 GPUs with five slots each."""
    return Scenario(loads=some_loads("skewed", (windows, 4, 64), seed), gpus=16, slots_per_gpu=5, nodes=4, groups=8)


def assert_valid(placement: npt.ArrayLike, scenario: Scenario, fresh: npt.ArrayLike = False) -> None:
    """Every expert in a slot that is not `fresh`, (L, P), and none in two of a GPU."""
    _, layers, experts = scenario.loads.shape
    rows = np.asarray(placement)
    assert rows.shape == (layers, scenario.gpus * scenario.slots_per_gpu)
    assert np.issubdtype(rows.dtype, np.integer)
    for row, ignored in zip(rows, np.broadcast_to(fresh, rows.shape), strict=True):
        assert set(row[~ignored]) == set(range(experts))
        for held, skip in zip(row.reshape(scenario.gpus, -1), ignored.reshape(scenario.gpus, -1), strict=True):
            assert len(set(held[~skip])) == (~skip).sum() > 0


def gpu_balance(placement: npt.ArrayLike, loads: npt.NDArray[Any], gpus: int) -> float:
    """Mean over max of the GPU loads, each summed over layers first, with even split; 1.0 is perfect."""
    rows = np.asarray(placement, dtype=np.int64)
    gpu_loads = np.stack(
        [
            (load / np.bincount(row, minlength=load.size))[row].reshape(gpus, -1).sum(axis=1)
            for row, load in zip(rows, loads, strict=True)
        ]
    )
    return float(gpu_loads.mean(axis=1).sum() / gpu_loads.max(axis=1).sum())


@EVERY_PROGRAM
@MANY
@given(scenario=scenarios())
def test_every_plan_is_valid(name: str, scenario: Scenario) -> None:
    for reply in scenario.plans(PROGRAMS[name]):
        assert_valid(reply["placement"], scenario, reply.get("fresh", False))


@MANY
@given(scenario=scenarios())
def test_initial_program_plans_as_eplb_does(scenario: Scenario) -> None:
    for ours, eplb in zip(scenario.plans(PROGRAMS["initial"]), scenario.plans(PROGRAMS["eplb_global"]), strict=True):
        assert ours["dispatch"] == 0
        np.testing.assert_array_equal(ours["placement"], eplb["placement"])


@EVERY_PROGRAM
def test_same_windows_give_the_same_plans(name: str) -> None:
    scenario = a_model(windows=3)
    for one, other in zip(scenario.plans(PROGRAMS[name]), scenario.plans(load_program(name)), strict=True):
        np.testing.assert_array_equal(one["placement"], other["placement"])


@EVERY_PROGRAM
def test_only_proportions_of_the_loads_count(name: str) -> None:
    scenario = a_model(windows=2)
    scaled = replace(scenario, loads=scenario.loads * 8)  # a power of two, so that no rounding differs
    for one, other in zip(scenario.plans(PROGRAMS[name]), scaled.plans(PROGRAMS[name]), strict=True):
        np.testing.assert_array_equal(one["placement"], other["placement"])


@pytest.mark.parametrize("name", FROM_SCRATCH)
def test_names_of_experts_do_not_matter(name: str) -> None:
    scenario = a_model(windows=2)
    renamed = replace(scenario, loads=scenario.loads[:, :, np.random.default_rng(1).permutation(64)])
    balances = [
        gpu_balance(case.plans(PROGRAMS[name])[-1]["placement"], case.loads[-1], case.gpus)
        for case in (scenario, renamed)
    ]
    assert balances[0] == pytest.approx(balances[1], abs=1e-9)


def test_planners_beat_the_layouts_that_see_no_load() -> None:
    scenario = a_model()
    balance = {
        name: gpu_balance(scenario.plans(PROGRAMS[name])[-1]["placement"], scenario.loads[-1], scenario.gpus)
        for name in FILES
        if name not in ("moe_shard", "hecate")  # they leave to the engine what goes where
    }
    blind = max(balance.pop("static"), balance.pop("random_placement"))
    assert min(balance.values()) > blind
    assert balance["lpt_swap"] > balance["eplb_global"] > balance["snake"]


def test_hierarchical_keeps_groups_inside_nodes() -> None:
    scenario = a_model()
    placement = scenario.plans(PROGRAMS["eplb_hierarchical"])[-1]["placement"]
    groups = np.asarray(placement).reshape(4, scenario.nodes, -1) // 8
    for layer in groups:
        nodes_of = {group: {n for n, held in enumerate(layer) if group in held} for group in range(scenario.groups)}
        assert all(len(nodes) == 1 for nodes in nodes_of.values())


@pytest.mark.parametrize("moves", [8, 16, 24])
def test_incremental_stays_within_its_budget(moves: int) -> None:
    program = load_program("incremental")
    vars(program)["MOVES"] = moves
    scenario = a_model(windows=4)
    held = np.tile(np.arange(80) % 64, (4, 1))
    for reply in scenario.plans(program):
        changed = (np.asarray(reply["placement"]) != held).sum(axis=1)
        assert 0 < changed.max() <= moves
        held = np.asarray(reply["placement"])


def test_incremental_rests_once_the_load_does() -> None:
    scenario = a_model()
    still = replace(scenario, loads=np.repeat(scenario.loads, 12, axis=0))
    plans = [np.asarray(reply["placement"]) for reply in still.plans(PROGRAMS["incremental"])]
    np.testing.assert_array_equal(plans[-1], plans[-2])
    assert gpu_balance(plans[-1], still.loads[-1], still.gpus) > 0.9


CONSTANTS = [
    ("HISTORY", 3), ("HISTORY", 0), ("DECAY", 0.0), ("TREND", 1.0), ("SAMPLE_WEIGHT", 0.5), ("REPLICA_POWER", 0.5),
    ("REPLICA_POWER", -1.0), ("PACKING_POWER", 0.0), ("PACKING_POWER", 2.0), ("REPLAN_EVERY", 3), ("REPLAN_EVERY", 0),
    ("MIN_GAIN", 0.05), ("CHANGED_LAYERS", 0.25), ("DISPATCH", 1), ("DISPATCH", 3),
]  # fmt: skip


@pytest.mark.parametrize(("constant", "value"), CONSTANTS)
@settings(MANY, max_examples=20)
@given(scenario=scenarios())
def test_turning_a_constant_of_the_initial_program_keeps_it_valid(
    constant: str, value: float, scenario: Scenario
) -> None:
    program = load_program("initial")
    assert constant in vars(program)
    vars(program)[constant] = value
    for reply in scenario.plans(program):
        assert_valid(reply["placement"], scenario)
        assert ("split" in reply) == (program.DISPATCH == 1)


def test_shares_of_the_initial_program_sum_to_one_per_expert() -> None:
    program = load_program("initial")
    vars(program)["DISPATCH"] = 1
    vars(program)["share_weights"] = lambda placement, _: np.arange(placement.size).reshape(placement.shape)
    (reply,) = a_model().plans(program)
    for row, split in zip(reply["placement"], reply["split"], strict=True):
        np.testing.assert_allclose(np.bincount(row, weights=split), 1.0, atol=1e-5)


@MANY
@given(scenario=scenarios(), seed=st.integers(0, 2**16))
def test_repair_makes_any_placement_valid_and_leaves_valid_ones(scenario: Scenario, seed: int) -> None:
    repair = PROGRAMS["initial"]._repair
    expected = scenario.loads[-1].astype(np.float64)
    slots = scenario.gpus * scenario.slots_per_gpu
    wanted = np.random.default_rng(seed).integers(-3, expected.shape[1] + 3, (len(expected), slots))
    repaired = repair(wanted, expected, scenario.gpus)
    assert_valid(repaired, scenario)
    np.testing.assert_array_equal(repair(repaired, expected, scenario.gpus), repaired)


def test_hierarchical_reproduces_the_example_of_deepseek() -> None:
    loads = np.array([
        [90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86],
        [20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27],
    ])  # fmt: skip
    plan = PROGRAMS["eplb_hierarchical"].eplb_hierarchical(loads.astype(np.float64), 16, 4, 2, 8)
    assert plan[0].tolist() == [5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1]


def test_eplb_balances_as_deepseeks_own_code_does() -> None:
    cases, arrays = reference_plans()
    expected = {case["name"]: case["gpu_balance"] for case in cases}
    measured = {}
    for case in cases:
        loads = arrays[f"{case['name']}__weight"].astype(np.float64)
        plan = PROGRAMS["eplb_hierarchical"].eplb_hierarchical(
            loads, case["num_replicas"], case["num_groups"], case["num_nodes"], case["num_gpus"]
        )
        measured[case["name"]] = gpu_balance(plan, loads, case["num_gpus"])
        if case["num_groups"] == 1:
            plain = PROGRAMS["eplb_global"].eplb_global(loads, case["num_replicas"], case["num_gpus"])
            np.testing.assert_array_equal(plain, plan)
    assert measured == pytest.approx(expected, abs=1e-9)


def reference_plans() -> tuple[list[dict[str, Any]], dict[str, Ints]]:
    """What DeepSeek's code planned for our load matrices, or a skip where the files are not at hand."""
    folder = os.environ.get("EVENKEEL_TRACES")
    if folder is None or not Path(folder, "eplb_reference.npz").exists():
        pytest.skip(f"EVENKEEL_TRACES={folder!r} is no folder with eplb_reference.npz and .json (DeepSeek's own plans)")
    with np.load(Path(folder, "eplb_reference.npz")) as arrays:
        return json.loads(Path(folder, "eplb_reference.json").read_text()), dict(arrays)


@EVERY_PROGRAM
def test_a_program_stands_alone(name: str) -> None:
    imported = {
        alias.name for node in ast.walk(parsed(name)) if isinstance(node, ast.Import) for alias in node.names
    } | {node.module for node in ast.walk(parsed(name)) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"numpy", "scipy.optimize"}


def test_functions_of_one_name_are_one_function() -> None:
    """Files cannot share code, so what they repeat must not drift; `replicate` of initial.py has a knob more."""
    texts: dict[str, set[str]] = {}
    for name in FILES:
        for node in parsed(name).body:
            if isinstance(node, ast.FunctionDef) and (name, node.name) != ("initial", "replicate"):
                texts.setdefault(node.name, set()).add(ast.unparse(node))
    assert [name for name, versions in texts.items() if len(versions) > 1] == []


def test_initial_program_has_one_block_to_evolve() -> None:
    lines = FILES["initial"].read_text().splitlines()
    start, end = lines.index("# EVOLVE-BLOCK-START"), lines.index("# EVOLVE-BLOCK-END")
    assert start < lines.index("HISTORY = 1  # newest windows that the estimate looks at") < end
    assert start < lines.index("class Policy:") < end < lines.index("class Planner:")


def parsed(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text())


def test_vllm_in_every_window_is_hierarchical_eplb_with_slots_kept() -> None:
    program, scenario = load_program("vllm"), a_model(windows=3)
    vars(program)["LOAD_STEPS"] = vars(program)["INTERVAL_STEPS"] = 1000
    held = np.tile(np.arange(80) % 64, (4, 1)).reshape(4, 16, 5)
    for ours, plain in zip(scenario.plans(program), scenario.plans(PROGRAMS["eplb_hierarchical"]), strict=True):
        mine, theirs = (np.asarray(reply["placement"]).reshape(held.shape) for reply in (ours, plain))
        np.testing.assert_array_equal(np.sort(mine, axis=2), np.sort(theirs, axis=2))
        stays = (held[..., None] == mine[..., None, :]).any(axis=3)
        np.testing.assert_array_equal(mine[stays], held[stays])
        held = mine


def test_vllm_plans_once_per_interval() -> None:
    plans = [np.asarray(reply["placement"]) for reply in a_model(windows=5).plans(PROGRAMS["vllm"])]
    changed = [bool((one != other).any()) for one, other in pairwise(plans)]
    assert changed == [False, False, True, False]


def test_lag_finds_the_period_of_loads_that_take_turns() -> None:
    scenario = a_model(windows=2)
    turns = np.concatenate([scenario.loads] * 4)
    best_lag = PROGRAMS["lag"].best_lag
    assert [best_lag(turns[:windows]) for windows in (1, 2, 6, 7)] == [1, 1, 2, 2]
    assert best_lag(np.concatenate([scenario.loads[:1]] * 6)) == 1


def test_lplb_copies_an_expert_once_along_the_cube() -> None:
    scenario = Scenario(loads=some_loads("skewed", (1, 2, 64), 3), gpus=16, slots_per_gpu=6, nodes=2, groups=8)
    (reply,) = scenario.plans(PROGRAMS["lplb"])
    assert reply["dispatch"] == 2
    for row in np.asarray(reply["placement"]):
        assert np.bincount(row).max() == 2
        first, again = (np.flatnonzero(row == expert) // 6 for expert in np.flatnonzero(np.bincount(row) == 2)[:2])
        assert first[0] // 8 == first[1] // 8
        assert again[0] // 8 == again[1] // 8


def test_swift_balancer_moves_little_and_leaves_balanced_layers_alone() -> None:
    scenario = a_model(windows=2)
    first, _ = (np.asarray(reply["placement"]) for reply in scenario.plans(PROGRAMS["swift_balancer"]))
    static = np.tile(np.arange(80) % 64, (4, 1))
    assert gpu_balance(first, scenario.loads[0], 16) > 1.5 * gpu_balance(static, scenario.loads[0], 16)
    even = replace(scenario, loads=some_loads("equal", (2, 4, 80), 0))
    for reply in even.plans(PROGRAMS["swift_balancer"]):
        np.testing.assert_array_equal(reply["placement"], np.tile(np.arange(80), (4, 1)))


def test_hecate_leaves_fresh_what_arrives_behind_attention_and_fits() -> None:
    program, scenario = PROGRAMS["hecate"], a_model()
    config = scenario.config
    needed = {"intra_node": config["expert_bytes"] / 1e-3, "inter_node": config["expert_bytes"] / 2.5e-3}
    config |= {"bandwidths": needed, "attention_us": 5000.0}
    assert [program.overlap_degree({**config, "nodes": nodes}) for nodes in (1, 2)] == [5, 2]
    policy = program.Policy(config)
    assert (policy.resident, policy.fresh.sum()) == (4, 4 * 16)  # 64 experts need 4 of 5 slots on each of 16 GPUs
    assert not program.Policy({**config, "attention_us": 2000.0}).fresh.any()
    reply = policy.plan(scenario.loads, scenario.loads[:, :, ::-1], np.zeros((4, 80)), 0)
    assert (np.asarray(reply["placement"])[reply["fresh"]] == -1).all()


def test_hecate_cuts_anew_once_in_a_hundred_iterations() -> None:
    config = {**a_model().config, "iterations_per_window": 40}
    policy, loads = PROGRAMS["hecate"].Policy(config), a_model().loads
    replies = [policy.plan(loads, loads, np.zeros((4, 80)), window) for window in range(4)]
    assert ["keep" in reply for reply in replies] == [False, True, False, True]


TOY = np.array([[600.0, 560, 120, 120, 20, 10, 10, 10]])  # FlashLB's own example: 8 GPUs with two slots each


def busiest(placement: npt.ArrayLike, loads: npt.NDArray[Any], gpus: int) -> float:
    """Largest GPU load of a single layer, even split."""
    return float(loads[0].sum() / gpus / gpu_balance(placement, loads, gpus))


def test_eplb_is_as_far_from_the_optimum_of_flashlbs_example_as_published() -> None:
    assert busiest(PROGRAMS["eplb_global"].eplb_global(TOY, 16, 8), TOY, 8) == pytest.approx(232)


def test_flashlbs_search_gains_as_published_on_its_example() -> None:
    program = load_program("flash_lb_search")
    vars(program)["REACH"] = 1
    placement = program.searched(TOY[None], 16, 8)
    assert_valid(placement, Scenario(loads=TOY[None].astype(np.int64), gpus=8, slots_per_gpu=2))
    assert 590 / 3 <= busiest(placement, TOY, 8) <= 205  # the optimum, and what FlashLB's authors report
