"""Runs in the sandboxed child in a program's place: turns arrays into tensors, calls the program, takes the gradient.

It is loaded as text behind `child_batch.py`, so it imports nothing of ours; trusted code also runs it in-process, for
the reference loss. What it checks is the contract with an honest author. Nothing is trusted because of it: the worker
checks all that it uses.

Shapes: L layers, M micro-batches, T tokens of a micro-batch, E experts, K experts per token, D width, S rows of stats.
"""

import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:  # in a child these names stand above, in the same module
    from evaluators.balancing.moe_loss.child_batch import (
        Breach,
        RouterBatch,
        RouterInputs,
        Untouched,
        gradients_of,
        require_shape,
        scalar,
        stats_rows,
        told,
    )

PROGRAM = ""  # the program as text; set in a line behind this file


class Host:
    """One program on one training."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {}
        self._config: dict[str, Any] = {}
        self._fixed: dict[str, Any] = {}
        self._gives_zero = False  # whether any expert does
        self._state_shapes: dict[str, tuple[int, ...]] = {}
        self._generator = torch.Generator(torch.get_default_device())
        self._selected: dict[int, tuple[int, Tensor, Tensor]] = {}  # layer: step, logits, scores of its last training

    # --- what the worker calls ---

    def open(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Load the program and make its first state."""
        torch.set_num_threads(1)
        self._config = dict(config)
        self._fixed = self._fixed_fields()
        self._gives_zero = bool((self._fixed["expert_kind"] == 1).any())
        return told(self._open)

    def select(
        self, logits_MTE: Any, layer: int, step: int, training: bool, state: Any, fresh: bool = False
    ) -> dict[str, Any]:
        """Selection scores of one layer."""
        return told(lambda: self._select(logits_MTE, layer, step, training, state, fresh))

    def losses(self, arrays: Mapping[str, Any], step: int, state: Any, fresh: bool = False) -> dict[str, Any]:
        """Losses of all layers, their gradients, and the state after the step.

        Without logits in `arrays`, they and the selection scores are those of the step's calls of `select`.
        """
        return told(lambda: self._losses(arrays, step, state, fresh))

    # --- loading ---

    def _load(self) -> None:
        module = types.ModuleType("candidate")
        try:
            code = compile(PROGRAM, "<program>", "exec", dont_inherit=True)
        except SyntaxError as error:
            raise Breach(f"syntax error at line {error.lineno}: {error.msg}") from None
        exec(code, module.__dict__)
        self._names = module.__dict__
        if not callable(self._names.get("loss")):
            raise Breach("the program must define the function loss(b, g, state)")

    def _hook(self, name: str) -> Callable[..., Any] | None:
        found = self._names.get(name)
        if found is not None and not callable(found):
            raise Breach(f"{name} must be a function, found {type(found).__name__}")
        return found

    def _open(self) -> dict[str, Any]:
        self._load()
        make = self._hook("init_state")
        state = make(types.SimpleNamespace(**self._config, **self._fixed)) if make else {}
        if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
            raise Breach("init_state must return a dict of tensors")
        self._state_shapes = {str(name): tuple(value.shape) for name, value in state.items()}
        hooks = [self._hook("select") is not None, self._hook("update") is not None]
        return {"hooks": np.array(hooks, dtype=np.uint8), "state": self._packed(state)}

    def _fixed_fields(self) -> dict[str, Any]:
        c = self._config
        tokens = np.arange(c["tokens"]) // c["tokens_per_sequence"]
        return {
            "seq_id": _tensor(tokens),
            "expert_cost": _tensor(c.pop("expert_cost")),
            "expert_group": _tensor(c.pop("expert_group")),
            "expert_kind": _tensor(c.pop("expert_kind")),
        }

    # --- state ---

    def _packed(self, state: Mapping[str, Tensor]) -> Any:
        capacity = self._config["state_values"]
        if {name: tuple(value.shape) for name, value in state.items()} != self._state_shapes:
            raise Breach("update must keep the names and the shapes of the state")
        flat = [value.detach().to(torch.float32).reshape(-1) for value in state.values()]
        size = sum(part.numel() for part in flat)
        if size > capacity:
            raise Breach(f"the state may hold {capacity} values, found {size}")
        packed = np.zeros(capacity, dtype=np.float32)
        if flat:
            packed[:size] = torch.cat(flat).cpu().numpy()
        if not np.isfinite(packed).all():
            raise Breach("the state must be finite, found NaN or infinity")
        return packed

    def unpacked(self, packed: Any) -> dict[str, Tensor]:
        """The state by name."""
        state, start = {}, 0
        for name, shape in self._state_shapes.items():
            size = int(np.prod(shape, dtype=np.int64))
            state[name] = _tensor(packed[start : start + size]).reshape(shape)
            start += size
        return state

    # --- the program's functions ---

    def _inputs(self, step: int, training: bool) -> dict[str, Any]:
        c = self._config
        names = ("num_layers", "num_experts", "top_k", "total_steps", "score")
        self._generator.manual_seed(c["seed"] + 2 * step + training)
        return {**self._fixed, **{name: c[name] for name in names}, "step": step, "training": training}

    def _scores(self, logits: Tensor) -> Tensor:
        return logits.softmax(-1) if self._config["score"] == "softmax" else torch.sigmoid(logits)

    def _select(
        self, logits_MTE: Any, layer: int, step: int, training: bool, state: Any, fresh: bool
    ) -> dict[str, Any]:
        if fresh:
            self._load()
        logits = _tensor(logits_MTE)
        scores = self.selection(logits, layer, step, training, self.unpacked(state))
        if training and not fresh:
            self._selected[layer] = step, logits, scores
        return {"scores": scores.numpy()}

    def selection(self, logits: Tensor, layer: int, step: int, training: bool, held: dict[str, Tensor]) -> Tensor:
        """Selection scores ``(M, T, E)``."""
        probs = self._scores(logits)
        common = self._inputs(step, training)
        select = self._names["select"]
        with torch.no_grad(), Untouched("select", [logits, probs, *held.values()]):
            scores = [
                select(RouterInputs(logits=z, probs=p, gen=self._generator, layer=layer, **common), held)
                for z, p in zip(logits, probs, strict=True)
            ]
        for score in scores:
            require_shape("select", score, probs.shape[1:])
        stacked = torch.stack([score.detach().to(torch.float32) for score in scores])
        if bool(torch.isnan(stacked).any()):
            raise Breach("select must not return NaN")
        return stacked.clamp(-1e30, 1e30)

    def _losses(self, arrays: Mapping[str, Any], step: int, state: Any, fresh: bool) -> dict[str, Any]:
        if fresh:
            self._load()
        z, selection = self._routed(arrays, step)
        held, chosen = self.unpacked(state), _tensor(arrays["chosen"]).to(torch.int64)
        losses, grads = self.differentiated(z, _tensor(arrays["router"]), chosen, selection, step, held)
        found = zip(("grad", "router_grad"), grads, strict=True)
        gradients = {name: grad.numpy() for name, grad in found if bool(grad.any())}
        return {"loss": losses.numpy(), "state": self._packed(held), **gradients}

    def differentiated(
        self, z: Tensor, weight: Tensor, chosen: Tensor, selection: Tensor | None, step: int, held: dict[str, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Losses of the layers, and their mean's gradients by logits and by router weight; `held` moves on."""
        z.requires_grad_()
        weight.requires_grad_()
        batches, stats = self._batches(z, weight, chosen, selection, step, held)
        g = stats.mean(1)
        watched = [z, weight, stats, g, *held.values()]
        watched += [x for row in batches for b in row for x in (b.counts, b.topk_idx, b.sel_scores, b.g_run)]
        with Untouched("loss", watched):
            losses = [[scalar(self._names["loss"](b, g[b.layer], held)) for b in row] for row in batches]
            if not any(value.requires_grad for row in losses for value in row):
                raise Breach(
                    "loss has no gradient: it must be a differentiable function of b.logits, b.probs, b.gates or "
                    "b.router_weight; return b.logits.sum() * 0 where no loss is meant"
                )
            by_layer = torch.stack([torch.stack(row).mean() for row in losses])
            grads = gradients_of(by_layer.mean(), z, weight)
        update = self._hook("update")
        if update is not None:
            with torch.no_grad():
                update(g.clone(), held, step)
        return by_layer.detach(), grads

    def _routed(self, arrays: Mapping[str, Any], step: int) -> tuple[Tensor, Tensor | None]:
        """Logits ``(L, M, T, E)``, and selection scores; None where the probabilities select."""
        if "logits" in arrays:
            return _tensor(arrays["logits"]), _tensor(arrays["selection"]) if "selection" in arrays else None
        kept = [self._selected[layer] for layer in range(self._config["num_layers"])]
        if any(row[0] != step for row in kept):
            raise Breach(f"select was not asked in step {step}")
        return torch.stack([row[1] for row in kept]), torch.stack([row[2] for row in kept])

    def _batches(
        self, z: Tensor, weight: Tensor, chosen: Tensor, selection: Tensor | None, step: int, held: dict[str, Tensor]
    ) -> tuple[list[list[RouterBatch]], Tensor]:
        """The views of all micro-batches, and their stats ``(L, M, S, E)``."""
        probs = self._scores(z)
        gates = probs.gather(-1, chosen)
        if self._gives_zero:
            gates = gates * (self._fixed["expert_kind"] != 1)[chosen]
        gates = gates / gates.sum(-1, keepdim=True).clamp_min(1e-9)
        L, M, T, E = z.shape  # noqa: N806
        counts = torch.zeros(L, M, E).scatter_add_(-1, chosen.flatten(2), torch.ones(L, M, T * chosen.shape[-1]))
        sel_scores = probs.detach() if selection is None else selection
        common = self._inputs(step, training=True)
        per_batch = [x.flatten(0, 1).unbind(0) for x in (z, probs, chosen, gates, counts, sel_scores)]
        weights = weight.unbind(0)
        no_stats = torch.zeros(2, E)

        def batch(layer: int, j: int, g_run: Tensor) -> RouterBatch:
            logits, prob, idx, gate, count, scores = (x[layer * M + j] for x in per_batch)
            return RouterBatch(
                **common,
                logits=logits,
                probs=prob,
                topk_idx=idx,
                gates=gate,
                counts=count,
                sel_scores=scores,
                g_run=g_run,
                router_weight=weights[layer],
                gen=self._generator,
                layer=layer,
            )

        stats_of = self._hook("stats")
        if stats_of is None:
            stats = torch.stack([counts / (T * chosen.shape[-1]), probs.detach().mean(2)], dim=2)
        else:
            with torch.no_grad():
                rows = [[stats_rows(stats_of(batch(i, j, no_stats), held), E) for j in range(M)] for i in range(L)]
            stats = torch.stack([torch.stack(row) for row in rows])
        running = stats.cumsum(1) / torch.arange(1, M + 1).reshape(1, M, 1, 1)
        return [[batch(i, j, running[i, j]) for j in range(M)] for i in range(L)], stats


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.array(array)).to(torch.get_default_device())
