"""Every kernel against the reference in float64, on fresh random inputs and with poison where outputs will be.

The test suite runs these in Triton's interpreter and on a GPU; they need no test framework, so that a bare machine can
run them too. Each returns the relative errors it found, and raises `WrongResultError` where one is too large.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import torch

from evaluators.kernels import grouped, reference, router
from evaluators.kernels.combine import combine
from evaluators.kernels.launch import DTYPES, device_name
from evaluators.kernels.layer_checks import check_gradients, check_routed_layer
from evaluators.kernels.permute import permute
from evaluators.kernels.schedule import schedule, tile_map
from evaluators.kernels.shapes import Stage
from evaluators.kernels.tiles import Backward, Step, Tiles, default_tiles
from evaluators.kernels.trial import TOLERANCE, Trial, WrongResultError, poisoned, row_error, within

Check = Callable[[Trial], Mapping[str, float]]


def check_router(trial: Trial) -> Mapping[str, float]:
    """Choices equal up to ties closer than float32 can see, exact where the logits are; gates close."""
    x, weight, bias = trial.router()
    errors = {}
    for score, renorm in (("softmax", True), ("sigmoid", False)):
        expected = reference.router(x.double(), weight.double(), bias.double(), trial.case.shape.top_k, score, renorm)
        with poisoned():
            found, scores = router.scored_route(x, weight, bias, trial.case.shape.top_k, score, renorm)
        logits = x.double() @ weight.double().T
        all_scores = logits.softmax(-1) if score == "softmax" else logits.sigmoid()
        wish = all_scores + bias.double()
        regret = wish.gather(1, expected.idx.to(torch.int64)) - wish.gather(1, found.idx.to(torch.int64))
        if trial.case.tied and not torch.equal(found.idx, expected.idx):
            raise WrongResultError(f"{score}: of equal scores the lower expert must come first")
        if not all(len(set(row)) == len(row) for row in found.idx.tolist()):
            raise WrongResultError(f"{score}: a token has the same expert twice")
        errors[f"{score} regret"] = float(regret.abs().max())
        errors[f"{score} scores"] = row_error(scores, all_scores)
        errors[f"{score} gates"] = row_error(found.gates, expected.gates)
    return within(errors, TOLERANCE[torch.float32])


def check_schedule(trial: Trial) -> Mapping[str, float]:
    """Equal to the reference, and every row in exactly one tile of its own expert."""
    idx, num_experts = trial.idx(), trial.case.shape.experts
    expected = reference.schedule(idx, num_experts)
    with poisoned():
        found = schedule(idx, num_experts)
        tiles = tile_map(found.offsets, idx.numel(), 32)
    same = {
        "counts": torch.equal(found.counts, expected.counts),
        "offsets": torch.equal(found.offsets, expected.offsets),
        "order": torch.equal(found.order, expected.order),
        "place": torch.equal(found.place, expected.place),
    }
    if not all(same.values()):
        raise WrongResultError(f"equal to the reference: {same}")
    bounds, num_tiles = expected.offsets.tolist(), int(tiles.used)
    covered: list[int] = []
    for expert, row, end in zip(tiles.expert.tolist(), tiles.row.tolist(), tiles.end.tolist(), strict=True):
        if expert >= 0:
            covered += range(row, min(row + 32, end, bounds[expert + 1]))
    if covered != list(range(idx.numel())):
        raise WrongResultError("the tiles do not cover every row once, in order")
    if not (bool((tiles.expert[:num_tiles] >= 0).all()) and bool((tiles.expert[num_tiles:] == -1).all())):
        raise WrongResultError(f"expected the tiles in use before all others, found {num_tiles}: {tiles.expert}")
    return {}


def check_moves(trial: Trial) -> Mapping[str, float]:
    """Permutation exact, with and without the inverse at hand; combination close."""
    idx, shape = trial.idx(), trial.case.shape
    plan, x = reference.schedule(idx, shape.experts), trial.normal(shape.tokens, shape.width)
    expected = reference.permute(x, plan.order, shape.top_k)
    rows = trial.normal(shape.rows, shape.width, seed=7)
    with poisoned():
        found = permute(x, plan.order, shape.top_k, plan.place), permute(x, plan.order, shape.top_k)
        total, again = combine(rows, plan.place), combine(rows, plan.place)
    if not all(torch.equal(one, expected) for one in found):
        raise WrongResultError("the permuted rows are not the tokens'")
    if not torch.equal(total, again):
        raise WrongResultError("two combinations of the same rows differ")
    return within({"combine": row_error(total, reference.combine(rows.double(), plan.place))}, TOLERANCE[trial.dtype])


def check_products(trial: Trial) -> Mapping[str, float]:
    """Both grouped products, with gathered and with sorted rows."""
    shape, (w_gate_up, w_down) = trial.case.shape, trial.weights()
    plan, x = reference.schedule(trial.idx(), shape.experts), trial.normal(shape.tokens, shape.width)
    hidden, row_gates = trial.normal(shape.rows, shape.expert_width, seed=8), trial.gates().flatten()
    rows = reference.permute(x, plan.order, shape.top_k)
    with poisoned():
        gathered = grouped.gate_up(x, plan.order, shape.top_k, w_gate_up, plan)
        sorted_rows = grouped.gate_up(rows, None, shape.top_k, w_gate_up, plan)
        out = grouped.down(hidden, w_down, plan, row_gates)
    expected = reference.gate_up(rows.double(), w_gate_up.double(), plan.offsets)
    errors = {
        "gate_up, gathered": row_error(gathered, expected),
        "gate_up, sorted": row_error(sorted_rows, expected),
        "down": row_error(out, reference.down(hidden.double(), w_down.double(), plan.offsets, row_gates.double())),
    }
    return within(errors, TOLERANCE[trial.dtype])


def check_products_by_tma(trial: Trial) -> Mapping[str, float]:
    """Every grouped product, forward and backward, its operands through the copy engine where the sizes allow it."""
    shape, (w_gate_up, w_down) = trial.case.shape, trial.weights()
    plan = reference.schedule(trial.idx(), shape.experts)
    rows, double = trial.normal(shape.rows, shape.width), trial.normal(shape.rows, 2 * shape.expert_width, seed=8)

    def tiles(step: Step) -> Tiles:
        return replace(default_tiles(device_name(trial.device), step, DTYPES[trial.dtype]), tma=True)

    x = trial.normal(shape.tokens, shape.width, seed=10)
    with poisoned():
        gathered = grouped.gate_up(x, plan.order, shape.top_k, w_gate_up, plan, tiles(Stage.GATE_UP))
        hidden = grouped.gate_up(rows, None, shape.top_k, w_gate_up, plan, tiles(Stage.GATE_UP))
        out = grouped.down(hidden, w_down, plan, None, tiles(Stage.DOWN))
        back = grouped.rows_times_weights(
            double, w_gate_up, plan, Backward.GRAD_ROWS, transposed=True, tiles=tiles(Backward.GRAD_ROWS)
        )
        slope = grouped.weight_gradient(rows, double, plan, Backward.GRAD_GATE_UP, tiles(Backward.GRAD_GATE_UP))
    ones = torch.ones(shape.rows, dtype=torch.float64, device=trial.device)
    w_back = w_gate_up.double().transpose(1, 2)
    parts = zip(rows.double().split(plan.counts.tolist()), double.double().split(plan.counts.tolist()), strict=True)
    tokens = reference.permute(x.double(), plan.order, shape.top_k)
    errors = {
        "gate_up, gathered": row_error(gathered, reference.gate_up(tokens, w_gate_up.double(), plan.offsets)),
        "gate_up": row_error(hidden, reference.gate_up(rows.double(), w_gate_up.double(), plan.offsets)),
        "down": row_error(out, reference.down(hidden.double(), w_down.double(), plan.offsets, ones)),
        "rows": row_error(back, reference.down(double.double(), w_back, plan.offsets, ones)),
        "weights": row_error(slope, torch.stack([one.T @ other for one, other in parts])),
    }
    return within(errors, TOLERANCE[trial.dtype])


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "router": check_router,
        "schedule": check_schedule,
        "moves": check_moves,
        "products": check_products,
        "products by TMA": check_products_by_tma,
        "gradients": check_gradients,
        "routed layer": check_routed_layer,
    }
)


def run_check(name: str, trial: Trial) -> Mapping[str, float]:
    """What `CHECKS[name]` finds; its error names the trial, whose inputs its seed draws again."""
    try:
        return CHECKS[name](trial)
    except WrongResultError as error:
        error.add_note(f"check {name!r}, {trial}")
        raise
