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
MOST_EXPERTS = 4096  # in a layer


def _choice(name: str, choices: tuple[str, ...], description: str) -> Parameter:
    return choice(name, MIXED, (MIXED, *choices), description)


def _rate(name: str, description: str) -> Parameter:
    return number(name, 0.0, 0.0, 1e6, description)


# What is not set is the suite's to choose: the default in search, other values in validation and in the hold-out.
PARAMETERS = (
    integer("gpus", 32, 2, 1024, "GPUs that share the experts"),
    integer("nodes", 4, 1, 256, "nodes they are in; unset: 8 GPUs to a node, or one node"),
    integer("experts", 256, 2, MOST_EXPERTS, "logical experts per layer"),
    integer("layers", 58, 1, 256, "MoE layers; the tiers smoke and quick play a few of them"),
    integer("top_k", 8, 1, 64, "experts per token"),
    integer("redundant", 32, 0, 4096, "spare expert slots per layer over all GPUs; unset: an eighth or more, as fits"),
    integer("groups", 8, 1, 256, "routing groups of consecutive experts; unset: 8 with 256 experts, else 1"),
    integer("group_limit", 4, 1, 256, "groups that one token may use; unset: half of them"),
    integer("hidden", 7168, 16, 65536, "width of the model"),
    integer("intermediate", 2048, 16, 65536, "inner width of one expert"),
    integer(
        "tokens",
        0,
        0,
        1 << 24,
        "tokens per iteration, nominal, over all GPUs; 0: 128 (decode) and 2048 (prefill) per GPU",
    ),
    integer("window_iterations", 0, 0, 1 << 20, "iterations between two plans; 0: 20 to 1000, by scenario"),
    _rate("window_s", "seconds between two plans; 0: what the iterations take"),
    _choice(
        "device",
        tuple(DEVICES),
        "GPU whose rates are modelled; unset: h800 and h200, others beyond search",
    ),
    _rate("intra_gb_s", "GB/s per GPU within a node; 0: the device's"),
    _rate("inter_gb_s", "GB/s per GPU between nodes; 0: the device's"),
    _choice("all_to_all", ("flat", "hierarchical"), "a copy per chosen expert, or per node and then per GPU"),
    _choice("overlap", ("serial", "two_batch"), "whether compute hides the all-to-all"),
    _choice("migration", ("blocking", "async"), "whether serving waits while weights move"),
    file(
        "profile",
        f"measured expert times, a name or a JSON file; unset: the device's roofline; {shipped_text()}",
        PROFILES,
    ),
    file("loads", "recorded loads instead of generated ones: load_history JSON or int16 [tokens, layers, k] .npy"),
)
MODEL_AXIS = frozenset({"experts", "layers", "top_k", "groups", "group_limit", "hidden", "intermediate", "loads"})
TOPOLOGY_AXIS = frozenset({"gpus", "nodes", "redundant"})
DEVICE_AXIS = frozenset({"device", "profile"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The model and the machine: what must fit together."""

    gpus: int = 32
    nodes: int = 4
    experts: int = 256
    layers: int = 58
    top_k: int = 8
    redundant: int = 32
    groups: int = 8
    group_limit: int = 4
    hidden: int = 7168
    intermediate: int = 2048

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
        if self.experts % self.groups:
            raise ContractError(f"groups: expected a divisor of experts = {self.experts}, found {self.groups}")
        if self.group_limit > self.groups:
            raise ContractError(f"group_limit: expected at most groups = {self.groups}, found {self.group_limit}")
        reachable = self.experts // self.groups * self.group_limit
        if self.top_k >= reachable:
            raise ContractError(
                f"top_k: expected fewer than the {reachable} experts a token may choose from, found {self.top_k}"
            )
        return self._with_checked_slots()

    def _with_checked_slots(self) -> Shape:
        if self.slots % self.gpus:
            fitting = self.redundant + -self.slots % self.gpus
            raise ContractError(
                f"redundant: experts + redundant = {self.slots} slots do not divide among {self.gpus} GPUs; "
                f"the next that does is redundant={fitting}"
            )
        if self.slots > self.gpus * self.experts:
            raise ContractError(
                f"redundant: expected at most {(self.gpus - 1) * self.experts} (every expert on every GPU), "
                f"found {self.redundant}"
            )
        return self


def shape_of(settings: Mapping[str, ParameterValue], *, refit: bool = False) -> Shape:
    """The default shape with the user's settings; what they leave open is fitted to them.

    Args:
        settings: Parameters by name; those that are no part of the shape are ignored.
        refit: Whether a number of spare slots that does not fit gives way, as in shapes the user did not spell out.

    Raises:
        ContractError: The settings contradict one another.
    """
    given = {name: int(value) for name, value in settings.items() if name in Shape.__dataclass_fields__}
    shape = replace(Shape(), **given)
    if "gpus" in given and "nodes" not in given:
        shape = replace(shape, nodes=shape.gpus // 8 if shape.gpus % 8 == 0 else 1)
    if "experts" in given and "groups" not in given:
        shape = replace(shape, groups=8 if shape.experts == Shape().experts else 1)
    if given.keys() & {"experts", "groups"} and "group_limit" not in given:
        shape = replace(shape, group_limit=max(1, shape.groups // 2))
    fits = shape.slots % shape.gpus == 0 and shape.slots <= shape.gpus * shape.experts
    if ("redundant" not in given and given.keys() & {"gpus", "experts"}) or (refit and not fits):
        shape = replace(shape, redundant=_fitting_redundancy(shape))
    return shape.checked()


def _fitting_redundancy(shape: Shape) -> int:
    """An eighth of the experts, rounded up so that the slots divide among the GPUs."""
    eighth = max(1, shape.experts // 8)
    return eighth + -(shape.experts + eighth) % shape.gpus
