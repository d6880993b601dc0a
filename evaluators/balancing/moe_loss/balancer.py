"""How the trainer asks a program for selection scores, losses and gradients; numpy only.

Shapes: L layers, M micro-batches, T tokens of a micro-batch, E experts, K experts per token, D width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.balancing.moe_loss.shape import Course, Shape
from evaluators.candidate import Argument, Array, Candidate, CandidateFailure, ReplyField
from evaluators.contract import Outcome
from evaluators.sandbox.plain_text import one_line

Floats = npt.NDArray[np.float32]
FAULT_BYTES = 300  # as in child_batch.py
STATE_VALUES_PER_EXPERT = 16
MOST_DEVICES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """What the routers of one optimiser step gave."""

    logits_LMTE: Floats
    chosen_LMTK: npt.NDArray[np.int16]
    selection_LMTE: Floats | None  # None without `select`
    router_LED: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLoss:
    """What the program made of it. The loss itself is for the record only; the gradients train."""

    loss_L: Floats
    grad_LMTE: Floats | None  # None where all are zero
    router_grad_LED: Floats | None  # likewise


class Balancer:
    """One program on one training; its state is carried here, from call to call."""

    def __init__(self, candidate: Candidate, shape: Shape, course: Course, seed: int) -> None:
        """Load the program.

        Raises:
            CandidateFailure: It cannot be loaded, or its first state is not as declared.
        """
        self._candidate = candidate
        self._shape = shape
        self.num_layers = shape.num_layers
        self._state_values = STATE_VALUES_PER_EXPERT * shape.num_layers * shape.num_experts
        self._state = ReplyField(name="state", dtype="float32", shape=(self._state_values,))
        candidate.construct("Host")
        hooks = ReplyField(name="hooks", dtype="uint8", shape=(2,))
        arrays = self._ask("open", [self._config(course, seed)], [hooks, self._state])
        self.selects = bool(arrays["hooks"][0])
        self.state = np.asarray(arrays["state"], dtype=np.float32)
        self._asked: dict[int, int] = {}  # layer: the step of its last selection in training, which the host keeps

    def select(self, logits_MTE: Floats, layer: int, step: int, *, training: bool, fresh: bool = False) -> Floats:
        """Selection scores ``(M, T, E)``, finite."""
        field = ReplyField(name="scores", dtype="float32", shape=logits_MTE.shape)
        arguments: list[Argument] = [logits_MTE, layer, step, training, self.state, fresh]
        scores = np.asarray(self._ask("select", arguments, [field])["scores"], dtype=np.float32)
        if training and not fresh:
            self._asked[layer] = step
        return scores

    def losses(self, view: StepView, step: int) -> StepLoss:
        """Losses and gradients of one step; the state moves on.

        After `select` of all layers in this step, the host still has their logits and scores: they are not sent twice.
        """
        kept = all(self._asked.get(layer) == step for layer in range(self._shape.num_layers))
        found, self.state = self._losses(view, step, self.state, kept=kept, fresh=False)
        return found

    def peek(self, view: StepView, step: int, state: Floats, *, fresh: bool = False) -> tuple[StepLoss, Floats]:
        """As `losses` from a given state, which is returned and not kept; `fresh` loads the program anew first."""
        return self._losses(view, step, state, kept=False, fresh=fresh)

    def _losses(self, view: StepView, step: int, state: Floats, *, kept: bool, fresh: bool) -> tuple[StepLoss, Floats]:
        arrays: dict[str, Argument] = {"chosen": view.chosen_LMTK, "router": view.router_LED}
        if not kept:
            arrays["logits"] = view.logits_LMTE
            if view.selection_LMTE is not None:
                arrays["selection"] = view.selection_LMTE
        fields = [ReplyField(name="loss", dtype="float32", shape=view.logits_LMTE.shape[:1]), self._state]
        gradients = [
            ReplyField(name="grad", dtype="float32", shape=view.logits_LMTE.shape, optional=True),
            ReplyField(name="router_grad", dtype="float32", shape=view.router_LED.shape, optional=True),
        ]
        reply = self._ask("losses", [arrays, step, state, fresh], fields, gradients)
        loss = StepLoss(
            loss_L=_floats(reply["loss"]),
            grad_LMTE=_floats(reply["grad"]) if "grad" in reply else None,
            router_grad_LED=_floats(reply["router_grad"]) if "router_grad" in reply else None,
        )
        return loss, _floats(reply["state"])

    def _ask(
        self,
        method: str,
        arguments: Sequence[Argument],
        fields: Sequence[ReplyField],
        maybe: Sequence[ReplyField] = (),
    ) -> Mapping[str, Array]:
        """The declared arrays, or the failure that the host tells of."""
        fault = ReplyField(name="fault", dtype="uint8", shape=(FAULT_BYTES,), optional=True)
        wanted = [ReplyField(name=field.name, dtype=field.dtype, shape=field.shape, optional=True) for field in fields]
        arrays = self._candidate.method(method, arguments, [fault, *wanted, *maybe]).arrays
        if "fault" in arrays:
            text = bytes(arrays["fault"].astype(np.uint8).tolist()).rstrip(b"\0").decode("ascii", "replace")
            raise CandidateFailure(Outcome.INVALID, one_line(text, FAULT_BYTES))
        missing = [field.name for field in fields if field.name not in arrays]
        if missing:
            raise CandidateFailure(Outcome.INVALID, f"{method}: the reply lacks {missing[0]!r}")
        return arrays

    def _config(self, course: Course, seed: int) -> dict[str, Argument]:
        shape = self._shape
        return {
            "num_layers": shape.num_layers,
            "num_experts": shape.num_experts,
            "top_k": shape.top_k,
            "d_model": shape.d_model,
            "tokens": course.sequences_per_micro_batch * shape.context,
            "tokens_per_sequence": shape.context,
            "micro_batches": course.micro_batches,
            "total_steps": course.steps,
            "score": shape.gate,
            "seed": seed,
            "state_values": self._state_values,
            "expert_cost": np.ones(shape.num_experts, dtype=np.float32),
            "expert_group": expert_devices(shape),
            "expert_kind": expert_kinds(shape),
        }


def expert_kinds(shape: Shape) -> npt.NDArray[np.int64]:
    """0: feed-forward, 1: zero, 2: copy."""
    kinds = np.zeros(shape.num_experts, dtype=np.int64)
    kinds[shape.working_experts :] = 1 if shape.null_kind == "zero" else 2
    return kinds


def expert_devices(shape: Shape) -> npt.NDArray[np.int64]:
    """The device of each expert; null experts go round, as they are on every device."""
    working = device_of_expert(shape.working_experts)
    return np.concatenate([working, np.arange(shape.null_experts, dtype=np.int64) % (working.max() + 1)])


def device_of_expert(num_experts: int) -> npt.NDArray[np.int64]:
    """The device of each expert under expert parallelism: up to 16 devices with equally many neighbours each."""
    return np.arange(num_experts, dtype=np.int64) * num_devices(num_experts) // num_experts


def num_devices(num_experts: int) -> int:
    """The largest number of devices, at most 16, that hold equally many experts."""
    return max(d for d in range(1, MOST_DEVICES + 1) if num_experts % d == 0)


def _floats(array: Array) -> Floats:
    return np.asarray(array, dtype=np.float32)
