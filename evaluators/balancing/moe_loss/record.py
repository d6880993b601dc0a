"""Records the routing of a mixture of experts in training, for the placement tasks.

``python -m evaluators.balancing.moe_loss.record --out trace.npy`` trains a small model with the reference loss and
routes validation text at several checkpoints. ``trace.npy`` has the experts of each byte, as `expert_replication` reads
them (``--set loads=trace.npy``); ``trace.npz`` beside it has what else is known of each byte.

Shapes: T bytes of all checkpoints, L layers, K experts per byte, E experts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from evaluators.balancing.moe_loss.balancer import Balancer
from evaluators.balancing.moe_loss.checks import StepChecks
from evaluators.balancing.moe_loss.corpus import VALIDATION, MadeText, Mix, Sequences, draw
from evaluators.balancing.moe_loss.gradients import Asked
from evaluators.balancing.moe_loss.hosting import OwnLoss, reference_source
from evaluators.balancing.moe_loss.model import Engine, Model, dropless
from evaluators.balancing.moe_loss.shape import Course, Shape
from evaluators.balancing.moe_loss.trainer import fit, weight_stream
from evaluators.balancing.moe_loss.training import Recipe


@dataclass(frozen=True, slots=True)
class RoutingTrace:
    """What routers did with validation text, byte by byte in the order of checkpoints and sequences."""

    experts_TLK: npt.NDArray[np.uint8]  # best first
    gates_TLK: npt.NDArray[np.float16]  # sum to 1
    hints_TLK: npt.NDArray[np.uint8]  # what the next layer's router makes of this layer's input; L - 1 layers
    domain_T: npt.NDArray[np.uint8]
    checkpoint_T: npt.NDArray[np.uint8]
    domains: tuple[str, ...]

    def write(self, path: Path) -> None:
        """The experts to `path`, a .npy file, the rest to a .npz file beside it."""
        np.save(path, self.experts_TLK)
        np.savez_compressed(
            path.with_suffix(".npz"),
            gates=self.gates_TLK,
            hints=self.hints_TLK,
            domain=self.domain_T,
            checkpoint=self.checkpoint_T,
            domains=np.array(self.domains),
        )


class _Recorder:
    """Stands in for a model's experts and keeps what each layer's router was given."""

    def __init__(self) -> None:
        self.rows: list[Tensor] = []

    def __call__(self, rows: Tensor, chosen_RK: Tensor, gates_RK: Tensor, up_EDF: Tensor, down_EFD: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            self.rows.append(rows)
        return dropless(rows, chosen_RK, gates_RK, up_EDF, down_EFD)


def record(shape: Shape, course: Course, checkpoints: int, sequences: int, mix: Mix, seed: int) -> RoutingTrace:
    """Train with the reference loss, and route text at equally spaced steps, the last one included.

    Args:
        shape: Of the model, with at most 256 experts.
        course: Of the training.
        checkpoints: How many; at most as many as steps.
        sequences: Routed at each checkpoint; other text each time.
        mix: How often each domain is seen.
        seed: Of weights and text.
    """
    torch.set_num_threads(1)
    recipe = Recipe(shape=shape, course=course, source=MadeText(), mix=mix, seed=seed)
    text = draw(recipe.source, mix, seed, VALIDATION, checkpoints * sequences, shape.context)
    recorder = _Recorder()
    model = Model(shape, weight_stream(seed), Engine(experts=recorder))
    balancer = Balancer(OwnLoss(reference_source()), shape, course, seed)
    due = {course.steps * (i + 1) // checkpoints: i for i in range(checkpoints)}
    parts: list[RoutingTrace] = []

    def after(step: int) -> None:
        if step + 1 in due:
            place = due[step + 1]
            here = slice(place * sequences, (place + 1) * sequences)
            parts.append(_routed(model, recorder, _some(text, here), place))

    fit(model, course, recipe.data(), Asked(balancer, StepChecks(balancer, course, seed)), after=after)
    return _joined(parts)


def _some(text: Sequences, rows: slice) -> Sequences:
    """Some of the sequences."""
    return replace(text, text_NS=text.text_NS[rows], domain_N=text.domain_N[rows])


def _routed(model: Model, recorder: _Recorder, text: Sequences, checkpoint: int) -> RoutingTrace:
    k = model.shape.top_k
    recorder.rows.clear()
    with torch.no_grad():
        _, routings = model.forward(torch.from_numpy(text.text_NS[:, :-1].astype(np.int64)), None)
        gates = [_scores(model.shape, r.logits_RE).gather(-1, r.chosen_RK) for r in routings]
        hints = [
            functional.linear(rows, model.router_weight(layer + 1)).topk(k, dim=-1).indices
            for layer, rows in enumerate(recorder.rows[:-1])
        ]
    num_bytes = text.text_NS.shape[1] - 1
    return RoutingTrace(
        experts_TLK=_stacked([r.chosen_RK for r in routings], k).astype(np.uint8),
        gates_TLK=_stacked([gate / gate.sum(-1, keepdim=True) for gate in gates], k).astype(np.float16),
        hints_TLK=_stacked(hints, k).astype(np.uint8),
        domain_T=np.repeat(text.domain_N, num_bytes).astype(np.uint8),
        checkpoint_T=np.full(len(text.text_NS) * num_bytes, checkpoint, dtype=np.uint8),
        domains=text.domains,
    )


def _scores(shape: Shape, logits_RE: Tensor) -> Tensor:
    return logits_RE.softmax(-1) if shape.gate == "softmax" else torch.sigmoid(logits_RE)


def _stacked(layers: Sequence[Tensor], top_k: int) -> npt.NDArray[np.generic]:
    """``(T, layers, K)``, also of no layers."""
    if not layers:
        return np.zeros((0, 0, top_k))
    return np.asarray(torch.stack(list(layers), dim=1).numpy())


def _joined(parts: Sequence[RoutingTrace]) -> RoutingTrace:
    return RoutingTrace(
        experts_TLK=np.concatenate([part.experts_TLK for part in parts]),
        gates_TLK=np.concatenate([part.gates_TLK for part in parts]),
        hints_TLK=np.concatenate([part.hints_TLK for part in parts]),
        domain_T=np.concatenate([part.domain_T for part in parts]),
        checkpoint_T=np.concatenate([part.checkpoint_T for part in parts]),
        domains=parts[0].domains,
    )


def main() -> None:
    """Record as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a .npy file")
    parser.add_argument("--experts", type=int, default=32)
    parser.add_argument("--top-k", type=int, default=4)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--checkpoints", type=int, default=4)
    parser.add_argument("--sequences", type=int, default=512, help="of 64 bytes, routed at each checkpoint")
    parser.add_argument("--mix", type=Mix, choices=list(Mix), default=Mix.SKEWED)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    if a.out.suffix != ".npy":
        parser.error(f"--out: expected a name that ends in .npy, found {a.out.name}")
    shape = Shape(num_experts=a.experts, top_k=a.top_k, num_layers=a.layers)
    trace = record(shape, Course(steps=a.steps), a.checkpoints, a.sequences, a.mix, a.seed)
    trace.write(a.out)
    told = f"{a.out}: experts of {len(trace.experts_TLK)} bytes in {a.layers} layers"
    sys.stdout.write(f"{told}; {a.out.with_suffix('.npz')}: what else is known of them\n")


if __name__ == "__main__":
    main()
