"""Which scenarios make up each tier and split.

Each split has regimes, topologies, model shapes, devices and skews of its own, except where the user fixed them; they
share the services. So a program is chosen on what it was not bred on, and judged on what it was not chosen on.
"""

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
from evaluators.placement.expert_replication.recorded_moe import recorded_moe
from evaluators.placement.expert_replication.shapes import (
    EDGE_SHAPES,
    HOLDOUT_MODELS,
    HOLDOUT_TOPOLOGIES,
    RECORDED_MACHINES,
    VALIDATION_MODELS,
    VALIDATION_TOPOLOGIES,
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
class Service:
    """What the GPUs serve, and how often it is re-planned."""

    name: str
    tokens_per_gpu: int
    tile: int  # tokens per tile of the grouped GEMM
    all_to_all: str
    overlap: str
    migration: str
    iterations: int  # per window
    layer_us: float  # one whole layer, attention included: sets the length of a window
    attention_us: float  # of one layer: taken as half of it
    fixed_us: float  # launches; with two batches also the attention that hides the all-to-all


_DECODE = Service(
    name="decode",
    tokens_per_gpu=128,
    tile=64,
    all_to_all="flat",
    overlap="serial",
    migration="blocking",
    iterations=100,
    layer_us=800.0,
    attention_us=400.0,
    fixed_us=5.0,
)
_PREFILL = Service(
    name="prefill",
    tokens_per_gpu=2048,
    tile=128,
    all_to_all="hierarchical",
    overlap="serial",
    migration="blocking",
    iterations=200,
    layer_us=5000.0,
    attention_us=2500.0,
    fixed_us=5.0,
)
SERVICES = (
    replace(_DECODE, name="decode-short"),
    replace(_PREFILL, name="prefill-long"),
    replace(_DECODE, name="decode-long", migration="async", iterations=1000),
    replace(_PREFILL, name="prefill-short", overlap="two_batch", migration="async", iterations=20, fixed_us=2500.0),
)

SEARCH_REGIMES = (
    Regime(name="stationary", walk_sd=0.0, domain_time=0.0),
    Regime(name="slow"),
    Regime(name="fast", walk_sd=0.5, walk_half_life=1.0, domain_time=2.5),
    Regime(name="switch", jump_every=3),
    Regime(name="noisy", window_sd=0.4, token_share=0.25),
    Regime(name="recurring", alternate_every=1, domain_time=0.0),
    Regime(name="burst", burst_chance=1 / 3),
)
# One or more for every kind of change that the search knows, so that what helps there counts here too if it is general:
# drift, other domains, domains that take turns, bursts, noise, and another skew.
VALIDATION_REGIMES = (
    Regime(name="drift", walk_sd=0.35, walk_half_life=10.0, domain_time=15.0),
    Regime(name="shift", walk_sd=0.15, jump_every=5),
    Regime(name="swing", alternate_every=1, quiet_share=0.5, walk_sd=0.35, walk_half_life=8.0),
    Regime(name="turns", alternate_every=3, domain_time=0.0),
    Regime(name="rush", burst_chance=0.5),
    Regime(name="choppy", walk_sd=0.3, walk_half_life=5.0, window_sd=0.3, token_share=0.5),
    Regime(name="peaked", skew=1.05, walk_sd=0.3, walk_half_life=1.5, domain_time=5.0),
)
HOLDOUT_REGIMES = (
    Regime(name="medium", walk_sd=0.4, walk_half_life=3.0, domain_time=8.0),
    Regime(name="trend", trend_sd=0.06),
    Regime(name="alternating", alternate_every=1, quiet_share=0.125),
    Regime(name="weekly", alternate_every=2, domain_time=0.0),
    Regime(name="steep", skew=1.2, walk_sd=0.4, walk_half_life=2.0),
    Regime(name="shallow", skew=0.6, window_sd=0.2),
)

# A node is lost for a third of the windows; played after all others, so that those are what they were without it.
SEARCH_OUTAGE = Regime(name="outage")
VALIDATION_OUTAGE = Regime(name="lost-node", walk_sd=0.35, walk_half_life=10.0, domain_time=15.0)
HOLDOUT_OUTAGE = Regime(name="failover", walk_sd=0.4, walk_half_life=3.0, domain_time=8.0)
OUTAGE_TIERS, OUTAGE_SCENARIOS = (Tier.FULL, Tier.REPORT), 4

# Names only: the loads come from the user's file, and from the one that is shipped. That one is played once per
# service, after all others, where nothing is bred or chosen.
RECORDED, RECORDED_MOE = Regime(name="recorded"), Regime(name="recorded-moe")
RECORDED_MOE_SPLITS = (Split.HOLDOUT, Split.REPORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a split plays where the user left it open; without topologies or models, the default shape."""

    regimes: tuple[Regime, ...]
    outage: Regime
    devices: tuple[str, ...]
    topologies: tuple[Mapping[str, int], ...] = ()
    models: tuple[Mapping[str, int], ...] = ()


_SEARCH = Range(regimes=SEARCH_REGIMES, outage=SEARCH_OUTAGE, devices=("h800", "h200"))
RANGES = {
    Split.SEARCH: _SEARCH,
    Split.VALIDATION: Range(
        regimes=VALIDATION_REGIMES,
        outage=VALIDATION_OUTAGE,
        devices=("h100", "b200"),
        topologies=VALIDATION_TOPOLOGIES,
        models=VALIDATION_MODELS,
    ),
    Split.HOLDOUT: Range(
        regimes=HOLDOUT_REGIMES,
        outage=HOLDOUT_OUTAGE,
        devices=("h20", "gb200", "h800"),
        topologies=HOLDOUT_TOPOLOGIES,
        models=HOLDOUT_MODELS,
    ),
    Split.REPORT: _SEARCH,
}


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
