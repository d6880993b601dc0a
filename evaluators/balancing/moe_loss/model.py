"""A small byte language model with mixture-of-experts layers, in torch.

Shapes: M micro-batches, T tokens of a micro-batch, R = M * T rows, E experts, K experts per token, D width, F expert
width, S bytes of a sequence, V byte values.

Weights and what stands between layers are float32; `Engine` says where products are made and in which precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from evaluators.balancing.moe_loss.dispatch import combine_weights, copied, kept, to_working
from evaluators.balancing.moe_loss.shape import Shape

_INIT_SD = 0.02
_NORM_EPS = 1e-6
_CPU = torch.device("cpu")

# (layer, logits_RE without gradient, scores_RE) -> what the top-k is taken of, (R, E)
SelectScores = Callable[[int, Tensor, Tensor], Tensor]
# (rows, chosen_RK, gates_RK, up_EDF, down_EFD) -> (R, D): the gated sum of each row's experts
Experts = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Routing:
    """What one layer's router did with the rows of a batch."""

    logits_RE: Tensor  # in the graph
    chosen_RK: Tensor  # int64, best first
    selection_RE: Tensor  # what the top-k was taken of


def dropless(rows: Tensor, chosen_RK: Tensor, gates_RK: Tensor, up_EDF: Tensor, down_EFD: Tensor) -> Tensor:
    """Every row through each of its experts, however many choose the same one; sorted by expert."""
    k = chosen_RK.shape[1]
    flat = chosen_RK.reshape(-1)
    order = flat.argsort(stable=True)
    ends = torch.bincount(flat, minlength=up_EDF.shape[0]).cumsum(0).to(torch.int32)
    taken = rows[order // k]
    gate, value = functional.grouped_mm(taken, up_EDF, offs=ends).chunk(2, dim=-1)
    out = functional.grouped_mm(functional.silu(gate) * value, down_EFD, offs=ends)
    back = torch.empty_like(order)
    back[order] = torch.arange(order.numel(), device=order.device)
    return (out[back].reshape(*chosen_RK.shape, -1) * gates_RK.unsqueeze(-1)).sum(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Where and how the products of a model are made."""

    device: torch.device = _CPU
    dtype: torch.dtype = torch.float32  # of attention and experts; routers are float32
    experts: Experts = dropless


class Model:
    """Parameters by name, and the forward pass; the weights are drawn from `generator`, which is the CPU's."""

    def __init__(self, shape: Shape, generator: torch.Generator, engine: Engine | None = None) -> None:
        self.shape = shape
        self.engine = engine or Engine()
        self.parameters = {
            name: (torch.randn(size, generator=generator).mul_(sd) if sd else torch.ones(size)).to(self.engine.device)
            for name, size, sd in _layout(shape)
        }
        for parameter in self.parameters.values():
            parameter.requires_grad_(True)

    def router_weight(self, layer: int) -> Tensor:
        """``(E, D)``."""
        return self.parameters[f"{layer}.router"]

    def forward(
        self, text_NS: Tensor, select: SelectScores | None, *, dropping: bool = False
    ) -> tuple[Tensor, list[Routing]]:
        """Logits of the next byte ``(N, S, V)``, and each layer's routing.

        Args:
            text_NS: ``(N, S)`` int64.
            select: What decides which experts are chosen; the router's scores where None.
            dropping: Whether experts have the shape's capacity; else they take every token.
        """
        p, (N, S) = self.parameters, text_NS.shape  # noqa: N806 - shape letters
        x = functional.embedding(text_NS, p["embedding"]) + p["position"][:S]
        routings = []
        for layer in range(self.shape.num_layers):
            x = x + self._attention(layer, _normed(x, p[f"{layer}.attention_norm"]))
            rows = _normed(x, p[f"{layer}.expert_norm"]).reshape(N * S, -1)
            mixed, routing = self._experts(layer, rows, select, dropping=dropping)
            x = x + mixed.reshape(x.shape)
            routings.append(routing)
        return functional.linear(_normed(x, p["final_norm"]), p["output"]), routings

    def _cast(self, name: str) -> Tensor:
        return self.parameters[name].to(self.engine.dtype)

    def _attention(self, layer: int, x: Tensor) -> Tensor:
        N, S, D = x.shape  # noqa: N806
        heads = self.shape.num_heads
        qkv = functional.linear(x.to(self.engine.dtype), self._cast(f"{layer}.qkv")).reshape(N, S, 3, heads, D // heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return functional.linear(out.transpose(1, 2).reshape(N, S, D), self._cast(f"{layer}.attention_out"))

    def _experts(
        self, layer: int, rows: Tensor, select: SelectScores | None, *, dropping: bool = False
    ) -> tuple[Tensor, Routing]:
        shape = self.shape
        logits = functional.linear(rows, self.router_weight(layer))
        scores = torch.sigmoid(logits) if self.shape.gate == "sigmoid" else logits.softmax(-1)
        selection = scores.detach() if select is None else select(layer, logits.detach(), scores.detach())
        chosen = selection.topk(shape.top_k, dim=-1).indices
        gates = combine_weights(scores, chosen, shape)
        given = gates * kept(chosen, gates, shape) if dropping and shape.capacity else gates
        taken, weights = to_working(chosen, given, shape) if shape.null_experts else (chosen, given)
        up, down = self._cast(f"{layer}.up"), self._cast(f"{layer}.down")
        mixed = self.engine.experts(rows.to(self.engine.dtype), taken, weights, up, down)
        if shape.null_experts and shape.null_kind == "copy":
            mixed = mixed + copied(rows, chosen, gates, shape)
        return mixed, Routing(logits, chosen, selection)


def _normed(x: Tensor, weight: Tensor) -> Tensor:
    return functional.rms_norm(x, (x.shape[-1],), weight, _NORM_EPS)


def _layout(shape: Shape) -> list[tuple[str, tuple[int, ...], float]]:
    """Name, size and standard deviation of each parameter; 0 stands for ones."""
    D, E, ff, vocabulary = shape.d_model, shape.working_experts, shape.d_expert, shape.vocabulary  # noqa: N806
    inner, deep = 1 / math.sqrt(D), 1 / math.sqrt(2 * shape.num_layers)
    layout: list[tuple[str, tuple[int, ...], float]] = [
        ("embedding", (vocabulary, D), _INIT_SD),
        ("position", (shape.context, D), _INIT_SD),
        ("final_norm", (D,), 0.0),
        ("output", (vocabulary, D), _INIT_SD),
    ]
    for layer in range(shape.num_layers):
        layout += [
            (f"{layer}.attention_norm", (D,), 0.0),
            (f"{layer}.qkv", (3 * D, D), inner),
            (f"{layer}.attention_out", (D, D), inner * deep),
            (f"{layer}.expert_norm", (D,), 0.0),
            (f"{layer}.router", (shape.num_experts, D), _INIT_SD),
            (f"{layer}.up", (E, D, 2 * ff), inner),
            (f"{layer}.down", (E, ff, D), deep / math.sqrt(ff)),
        ]
    return layout
