"""Which scenarios make up each tier and split: the split's ranges, where the user fixed nothing, on each service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.contract import ParameterValue, Split, Tier
from evaluators.placement.cost import DEVICES, ExpertCurve, Network, roofline_curve
from evaluators.placement.expert_replication.outage import Outage
from evaluators.placement.expert_replication.parameters import (
    DEVICE_AXIS,
    MIXED,
    MODEL_AXIS,
    TOPOLOGY_AXIS,
    Shape,
    shape_of,
)
from evaluators.placement.expert_replication.ranges import (
    OUTAGE_SCENARIOS,
    OUTAGE_TIERS,
    RANGES,
    RECORDED_MOE,
    RECORDED_MOE_SPLITS,
)
from evaluators.placement.expert_replication.recorded_moe import recorded_moe
from evaluators.placement.expert_replication.services import SERVICES, Service
from evaluators.placement.expert_replication.shapes import (
    EDGE_SHAPES,
    RECORDED_MACHINES,
    fit_for_an_outage,
    without_a_node,
)
from evaluators.placement.expert_replication.sharded import shard_efficiency
from evaluators.placement.expert_replication.system import System
from evaluators.placement.expert_replication.workload import LoadShape, Regime

LATENCY_US = 40.0  # dispatch and combine without any token: fit to DeepEP's low-latency table
LP_US = 100.0  # one layer's linear program on the GPU (LPLB)
KEPT_ITERATIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of a scenario a tier plays."""

    instances: int
    layers: int  # at most
    warmup: int
    scored: int


SIZES = {
    Tier.SMOKE: Size(instances=2, layers=2, warmup=2, scored=2),
    Tier.QUICK: Size(instances=21, layers=12, warmup=4, scored=8),
    Tier.FULL: Size(instances=42, layers=58, warmup=6, scored=12),
    Tier.REPORT: Size(instances=56, layers=94, warmup=8, scored=24),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the loads of one scenario."""

    name: str
    regime: Regime
    system: System
    load: LoadShape
    outage: Outage | None = None

    @property
    def plays_recorded_moe(self) -> bool:
        """Whether the loads are those of the shipped trace."""
        return self.regime is RECORDED_MOE


def recipes(
    tier: Tier,
    split: Split,
    settings: Mapping[str, ParameterValue],
    curve: ExpertCurve | None = None,
    regimes: Sequence[Regime] = (),
) -> Sequence[Recipe]:
    """The scenarios of a tier and split.

    Args:
        tier: How many, and how long.
        split: Which regimes, shapes and devices.
        settings: What the user fixed.
        curve: Stands for the device's own, where the user gave a profile.
        regimes: Stand for the split's own, where the user gave loads.
    """
    size = SIZES[tier]
    edges = EDGE_SHAPES if tier is Tier.SMOKE and _is_open(settings) and not regimes else ()
    outages = tier in OUTAGE_TIERS and not regimes
    shipped = tier is Tier.REPORT and split in RECORDED_MOE_SPLITS and not regimes
    regimes = regimes or RANGES[split].regimes
    whole_turns = max(1, size.instances // len(regimes)) * len(regimes)
    count = min(size.instances, whole_turns)
    shapes = [_shape(i + i // len(regimes), split, settings) for i in range(count)]
    shapes += [shape_of({**settings, **edge}, refit=True) for edge in edges]
    played = [_recipe(i, regimes, size, split, settings, curve, shape) for i, shape in enumerate(shapes)]
    played += _outages(size, split, settings, curve) if outages else []
    return played + _recorded_moe(size, split, settings, curve) if shipped else played


def _outages(
    size: Size, split: Split, settings: Mapping[str, ParameterValue], curve: ExpertCurve | None
) -> list[Recipe]:
    """The scenarios in which a node is lost, as far as there are nodes and slots to lose."""
    regimes = (RANGES[split].outage,)
    found = []
    for turn in range(OUTAGE_SCENARIOS):
        shape = fit_for_an_outage(_shape(turn, split, settings), refit="redundant" not in settings)
        if shape is not None:
            whole = _recipe(turn, regimes, size, split, settings, curve, shape)
            rest = _recipe(turn, regimes, size, split, settings, curve, without_a_node(shape)).system
            rest = replace(rest, tokens=whole.system.tokens)
            lost, back = (size.warmup + thirds * size.scored // 3 for thirds in (1, 2))
            found.append(replace(whole, outage=Outage(first=lost, back=back, system=rest)))
    return found


def _recorded_moe(
    size: Size, split: Split, settings: Mapping[str, ParameterValue], curve: ExpertCurve | None
) -> list[Recipe]:
    """The shipped trace on each service, unless the user fixed a model or how many tokens an iteration has."""
    if (MODEL_AXIS | {"tokens"}) & settings.keys():
        return []
    given = {**settings, **recorded_moe().settings()}
    found = []
    for turn in range(len(SERVICES)):
        machine = {} if TOPOLOGY_AXIS & settings.keys() else RECORDED_MACHINES[turn % len(RECORDED_MACHINES)]
        shape = shape_of({**given, **machine}, refit=True)
        found.append(_recipe(turn, (RECORDED_MOE,), size, split, given, curve, shape))
    return found


def _is_open(settings: Mapping[str, ParameterValue]) -> bool:
    """Whether the user fixed neither machine nor model, so that a program must take any."""
    return not (TOPOLOGY_AXIS | MODEL_AXIS) & settings.keys()


def _recipe(
    index: int,
    regimes: Sequence[Regime],
    size: Size,
    split: Split,
    settings: Mapping[str, ParameterValue],
    curve: ExpertCurve | None,
    shape: Shape,
) -> Recipe:
    turn, place = divmod(index, len(regimes))
    service = _service(SERVICES[(place + turn) % len(SERVICES)], settings)
    regime = regimes[place]
    system = _system(
        shape, service, _device(index + turn, split, settings), min(size.layers, shape.layers), settings, curve
    )
    load = LoadShape(
        layers=system.layers,
        experts=shape.experts,
        top_k=shape.top_k,
        groups=shape.groups,
        tokens=system.tokens,
        iterations_per_window=system.iterations_per_window,
        kept_iterations=KEPT_ITERATIONS,
        warmup=size.warmup,
        scored=size.scored,
    )
    return Recipe(name=f"{regime.name}-{service.name}-{turn}", regime=regime, system=system, load=load)


def _service(service: Service, settings: Mapping[str, ParameterValue]) -> Service:
    return replace(
        service,
        iterations=int(settings.get("window_iterations", 0)) or service.iterations,
        all_to_all=_set_or(service.all_to_all, settings, "all_to_all"),
        overlap=_set_or(service.overlap, settings, "overlap"),
        migration=_set_or(service.migration, settings, "migration"),
    )


def _set_or(default: str, settings: Mapping[str, ParameterValue], name: str) -> str:
    chosen = str(settings.get(name, MIXED))
    return default if chosen == MIXED else chosen


def _shape(turn: int, split: Split, settings: Mapping[str, ParameterValue]) -> Shape:
    """The user's shape; the axes they left open take turns where the split has several."""
    played = RANGES[split]
    varied: dict[str, ParameterValue] = {}
    if played.topologies and not TOPOLOGY_AXIS & settings.keys():
        varied |= played.topologies[turn % len(played.topologies)]
    if played.models and not MODEL_AXIS & settings.keys():
        varied |= played.models[turn % len(played.models)]
    if TOPOLOGY_AXIS & settings.keys():
        varied = {name: value for name, value in varied.items() if name not in TOPOLOGY_AXIS}
    return shape_of({**settings, **varied}, refit=bool(varied))


def _device(turn: int, split: Split, settings: Mapping[str, ParameterValue]) -> str:
    chosen = str(settings.get("device", MIXED))
    if chosen != MIXED:
        return chosen
    if DEVICE_AXIS & settings.keys():  # a profile has the times of one GPU, so there are one GPU's links
        return RANGES[Split.SEARCH].devices[0]
    devices = RANGES[split].devices
    return devices[turn // 2 % len(devices)]


def _system(
    shape: Shape,
    service: Service,
    device_name: str,
    layers: int,
    settings: Mapping[str, ParameterValue],
    curve: ExpertCurve | None,
) -> System:
    device = DEVICES[device_name]
    window_s = float(settings.get("window_s", 0)) or 1e-6 * service.iterations * layers * service.layer_us
    network = Network(
        gpus=shape.gpus,
        nodes=shape.nodes,
        intra_bytes_per_s=1e9 * float(settings.get("intra_gb_s", 0)) or device.intra_bytes_per_s,
        inter_bytes_per_s=1e9 * float(settings.get("inter_gb_s", 0)) or device.inter_bytes_per_s,
        token_bytes=shape.expert.token_bytes,
        latency_us=LATENCY_US,
        hierarchical=service.all_to_all == "hierarchical",
        groups=shape.groups,
        group_limit=shape.group_limit,
    )
    return System(
        layers=layers,
        experts=shape.experts,
        top_k=shape.top_k,
        slots=shape.slots,
        tokens=int(settings.get("tokens", 0)) or service.tokens_per_gpu * shape.gpus,
        expert_bytes=float(shape.expert.weight_bytes),
        curve=curve or roofline_curve(device, shape.expert, service.tile),
        network=network,
        fixed_us=service.fixed_us,
        attention_us=service.attention_us,
        shard_efficiency=shard_efficiency(shape.intermediate, shape.gpus),
        lp_us=LP_US,
        overlapped=service.overlap == "two_batch",
        asynchronous=service.migration == "async",
        iterations_per_window=service.iterations,
        seconds_per_window=window_s,
    )
