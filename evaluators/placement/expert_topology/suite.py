"""Which scenarios make up each tier and split: the split's ranges, where the user fixed nothing, on each service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluators.contract import ParameterValue, Split, Tier
from evaluators.placement.cost import DEVICES, ExpertCurve, Network, roofline_curve
from evaluators.placement.expert_topology.parameters import MIXED, MODEL_AXIS, TOPOLOGY_AXIS, Shape, shape_of
from evaluators.placement.expert_topology.ranges import EDGES, RANGES
from evaluators.placement.expert_topology.services import SERVICES, Service
from evaluators.placement.expert_topology.system import Residency, System
from evaluators.placement.expert_topology.workload import Regime, TraceShape
from evaluators.problem import Settings

LATENCY_US = 40.0  # dispatch and combine without any token: fit to DeepEP's low-latency table


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of a scenario a tier plays."""

    instances: int
    layers: int  # at most
    shown: int  # tokens
    iterations: int
    per_iteration: int  # traced tokens


SIZES = {
    Tier.SMOKE: Size(instances=4, layers=3, shown=256, iterations=2, per_iteration=128),
    Tier.QUICK: Size(instances=20, layers=6, shown=2048, iterations=2, per_iteration=1024),
    Tier.FULL: Size(instances=40, layers=8, shown=4096, iterations=2, per_iteration=2048),
    Tier.REPORT: Size(instances=60, layers=24, shown=8192, iterations=4, per_iteration=2048),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the tokens of one scenario."""

    name: str
    regime: Regime
    system: System
    trace: TraceShape


def recipes(
    tier: Tier,
    split: Split,
    settings: Settings,
    curve: ExpertCurve | None = None,
    regimes: Sequence[Regime] = (),
) -> Sequence[Recipe]:
    """The scenarios of a tier and split; names repeat from one secret to the next.

    Args:
        tier: How many, and how long.
        split: Which routing, machines, models and devices.
        settings: What the user fixed.
        curve: Stands for the device's own, where the user gave a profile.
        regimes: Stand for the split's own, where the user gave a trace.
    """
    size = SIZES[tier]
    played = regimes or RANGES[split].regimes
    if tier is Tier.SMOKE and not (TOPOLOGY_AXIS | MODEL_AXIS) & settings.keys():
        shapes = [shape_of({**settings, **edge}) for edge in EDGES]
        return [_recipe(i, played, size, split, settings, curve, shape) for i, shape in enumerate(shapes)]
    whole_turns = max(1, size.instances // len(played)) * len(played)
    found = []
    for index in range(min(size.instances, whole_turns)):
        shape = _shape(index, played, split, settings)
        found.append(_recipe(index, played, size, split, settings, curve, shape))
    return found


def _shape(index: int, regimes: Sequence[Regime], split: Split, settings: Settings) -> Shape:
    """The user's shape; the axes they left open take turns, each at a pace of its own."""
    turn, place = divmod(index, len(regimes))
    played = RANGES[split]
    varied: dict[str, ParameterValue] = {}
    if not TOPOLOGY_AXIS & settings.keys():
        varied |= played.machines[(place + 2 * turn + turn // 2) % len(played.machines)]
    if not MODEL_AXIS & settings.keys():
        varied |= played.models[(place + 3 * turn) % len(played.models)]
    return shape_of({**varied, **settings}, regimes[place].spare)


def _recipe(
    index: int,
    regimes: Sequence[Regime],
    size: Size,
    split: Split,
    settings: Settings,
    curve: ExpertCurve | None,
    shape: Shape,
) -> Recipe:
    turn, place = divmod(index, len(regimes))
    service, regime = _service(SERVICES[(place + turn) % len(SERVICES)], settings), regimes[place]
    layers = min(size.layers, shape.layers)
    system = _system(shape, service, _device(index + turn, split, settings), layers, settings, curve)
    trace = TraceShape(
        layers=layers,
        experts=shape.experts,
        top_k=shape.top_k,
        gpus=shape.gpus,
        shown=size.shown,
        iterations=size.iterations,
        per_iteration=size.per_iteration,
    )
    return Recipe(name=f"{regime.name}-{service.name}-{turn}", regime=regime, system=system, trace=trace)


def _service(service: Service, settings: Settings) -> Service:
    return replace(
        service,
        residency=Residency(_set_or(service.residency, settings, "residency")),
        all_to_all=_set_or(service.all_to_all, settings, "all_to_all"),
        overlap=_set_or(service.overlap, settings, "overlap"),
    )


def _set_or(default: str, settings: Settings, name: str) -> str:
    chosen = str(settings.get(name, MIXED))
    return default if chosen == MIXED else chosen


def _device(turn: int, split: Split, settings: Settings) -> str:
    if settings.get("profile"):  # one GPU was measured, so the links are those of one GPU
        return _set_or(RANGES[Split.SEARCH].devices[0], settings, "device")
    devices = RANGES[split].devices
    return _set_or(devices[turn % len(devices)], settings, "device")


def _system(
    shape: Shape,
    service: Service,
    device_name: str,
    layers: int,
    settings: Settings,
    curve: ExpertCurve | None,
) -> System:
    device = DEVICES[device_name]
    network = Network(
        gpus=shape.gpus,
        nodes=shape.nodes,
        intra_bytes_per_s=1e9 * float(settings.get("intra_gb_s", 0)) or device.intra_bytes_per_s,
        inter_bytes_per_s=1e9 * float(settings.get("inter_gb_s", 0)) or device.inter_bytes_per_s,
        token_bytes=shape.expert.token_bytes,
        latency_us=LATENCY_US,
        hierarchical=service.all_to_all == "hierarchical",
    )
    return System(
        layers=layers,
        experts=shape.experts,
        top_k=shape.top_k,
        slots=shape.slots,
        tokens=int(settings.get("tokens", 0)) or service.tokens_per_gpu * shape.gpus,
        hidden=shape.hidden,
        curve=curve or roofline_curve(device, shape.expert, service.tile),
        network=network,
        residency=service.residency,
        fixed_us=service.fixed_us,
        overlapped=service.overlap == "two_batch",
    )
