"""What a user may set, and the checks that the settings fit together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from evaluators.contract import ContractError, Parameter, ParameterValue
from evaluators.kernels.profiles import LIBRARY as PROFILES
from evaluators.kernels.profiles import shipped_text
from evaluators.parameter_specs import choice, file, integer, number
from evaluators.placement.cost import DEVICES, ExpertShape

MIXED = "mixed"
MOST_EXPERTS = 1024  # in a layer: the bound takes eigenvalues of matrices of that size
MOST_GPUS = 256


def _choice(name: str, choices: tuple[str, ...], description: str) -> Parameter:
    return choice(name, MIXED, (MIXED, *choices), description)


# What is not set is the suite's to choose: one set of values in search, others in validation and in the hold-out.
PARAMETERS = (
    integer("gpus", 16, 2, MOST_GPUS, "GPUs that share the experts; unset: 8 and 16, others beyond search"),
    integer("nodes", 2, 1, 64, "nodes they are in; unset: 8 GPUs to a node, or one node"),
    integer("experts", 64, 2, MOST_EXPERTS, "experts per layer; unset: 32 and 64, others beyond search"),
    integer("layers", 24, 2, 256, "MoE layers; every tier plays at most so many as its own"),
    integer("top_k", 2, 1, 16, "experts per token; unset: 1 to 6, 1 to 8 in the hold-out"),
    integer("redundant", 0, 0, 4096, "spare expert slots per layer over all GPUs; unset: none, or a few, as fits"),
    integer("hidden", 4096, 16, 65536, "width of the model"),
    integer("intermediate", 8192, 16, 65536, "inner width of one expert"),
    integer("tokens", 0, 0, 1 << 24, "tokens per iteration over all GPUs; 0: 256, 512 or 2048 per GPU, by service"),
    _choice("device", tuple(DEVICES), "GPU whose rates are modelled; unset: h800 and h200, others beyond search"),
    number("intra_gb_s", 0.0, 0.0, 1e6, "GB/s per GPU within a node; 0: the device's"),
    number("inter_gb_s", 0.0, 0.0, 1e6, "GB/s per GPU between nodes; 0: the device's"),
    _choice("residency", ("home", "follow"), "tokens return home after each layer, or stay with their first expert"),
    _choice("all_to_all", ("flat", "hierarchical"), "a copy per GPU, or per node and then per GPU"),
    _choice("overlap", ("serial", "two_batch"), "whether compute hides the all-to-all"),
    file(
        "profile",
        f"measured expert times, a name or a JSON file; unset: the device's roofline; {shipped_text()}",
        PROFILES,
    ),
    file("trace", "recorded routing instead of drawn: integers [tokens, layers, k] or [tokens, layers] as .npy"),
)
MODEL_AXIS = frozenset({"experts", "top_k", "trace"})  # with these set, the split's models are not played
TOPOLOGY_AXIS = frozenset({"gpus", "nodes", "redundant"})  # nor its machines


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The model and the machine: what must fit together."""

    gpus: int = 16
    nodes: int = 2
    experts: int = 64
    layers: int = 24
    top_k: int = 2
    redundant: int = 0
    hidden: int = 4096
    intermediate: int = 8192

    @property
    def slots(self) -> int:
        """Slots of a layer over all GPUs."""
        return self.experts + self.redundant

    @property
    def expert(self) -> ExpertShape:
        """One expert's matrices."""
        return ExpertShape(hidden=self.hidden, intermediate=self.intermediate)

    def checked(self) -> Shape:
        """Itself.

        Raises:
            ContractError: The numbers cannot belong to one system; says what was expected, found, and what to do.
        """
        if self.gpus % self.nodes:
            raise ContractError(f"nodes: expected a divisor of gpus = {self.gpus}, found {self.nodes}")
        if self.top_k >= self.experts:
            raise ContractError(f"top_k: expected fewer than experts = {self.experts}, found {self.top_k}")
        if self.slots % self.gpus:
            raise ContractError(
                f"redundant: experts + redundant = {self.slots} slots do not divide among {self.gpus} GPUs; "
                f"the next that does is redundant={self.redundant + -self.slots % self.gpus}"
            )
        if self.slots >= self.gpus * self.experts:
            raise ContractError(
                f"redundant: expected fewer than {(self.gpus - 1) * self.experts} (every expert on every GPU), "
                f"found {self.redundant}"
            )
        return self


def shape_of(settings: Mapping[str, ParameterValue], spare: float = 0.0) -> Shape:
    """The default shape with the user's settings; what they leave open is fitted to them.

    Args:
        settings: Parameters by name; those that are no part of the shape are ignored.
        spare: Spare slots over experts where `redundant` is open; rounded up so that the slots divide among the GPUs.

    Raises:
        ContractError: The settings contradict one another.
    """
    given = {name: int(value) for name, value in settings.items() if name in Shape.__dataclass_fields__}
    shape = replace(Shape(), **given)
    if "gpus" in given and "nodes" not in given:
        shape = replace(shape, nodes=shape.gpus // 8 if shape.gpus % 8 == 0 else 1)
    if "redundant" not in given:
        wanted = round(spare * shape.experts)
        shape = replace(shape, redundant=wanted + -(shape.experts + wanted) % shape.gpus)
    return shape.checked()
