"""Which batches make up each tier and split.

Search and validation share patterns, clusters and models and differ by seed; the hold-out has others of all three,
except where the user fixed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.contract import Split, Tier
from evaluators.problem import Settings
from evaluators.scheduling.sequence_split.first_fit import first_fit, micro_batches_of
from evaluators.scheduling.sequence_split.lengths import PATTERNS, draw_lengths
from evaluators.scheduling.sequence_split.machine import Batch, Ints, Machine, Sync
from evaluators.scheduling.sequence_split.parameters import DEFAULT_SEQUENCES, MIXED
from evaluators.scheduling.sequence_split.recorded import Recording
from evaluators.scheduling.sequence_split.scenario import Scenario, make_scenario
from evaluators.seeding import SeedSource

KIB = 1024.0

NUM_INSTANCES = {Tier.SMOKE: 7, Tier.QUICK: 28, Tier.FULL: 56, Tier.REPORT: 112}
SMOKE_SIZES = (24, 2, 40, 3, 16, 64, 8)
RECORDED_ROOM = 1.3
CAP_STEP = 64  # caps are multiples of this


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a token costs."""

    linear_us: float
    crossover: float
    kv_kib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The values that a split draws its scenarios from, in turns."""

    clusters: tuple[tuple[int, int], ...]  # ranks, and those of a node
    models: tuple[Model, ...]
    links: tuple[tuple[float, float], ...]  # GB/s inside a node and between nodes
    slow_links: tuple[tuple[float, float], ...]
    sizes: tuple[int, ...]
    micro_batches: tuple[int, ...]  # that the cap is chosen for


SEARCH = World(
    clusters=((16, 8), (8, 8), (32, 8), (8, 4)),
    models=(Model(linear_us=100, crossover=16_384, kv_kib=1536), Model(linear_us=110, crossover=32_768, kv_kib=384)),
    links=((300, 50), (200, 25)),
    slow_links=((300, 6), (64, 12)),
    sizes=(256, 128, 512, 64, 320),
    micro_batches=(2, 4, 1, 3),
)
HOLDOUT = World(
    clusters=((24, 8), (64, 8), (12, 4), (6, 2), (48, 16)),
    models=(
        Model(linear_us=240, crossover=8192, kv_kib=960),
        Model(linear_us=60, crossover=49_152, kv_kib=192),
        Model(linear_us=850, crossover=24_576, kv_kib=960),
    ),
    links=((450, 100), (150, 20)),
    slow_links=((450, 3), (32, 8)),
    sizes=(192, 448, 96, 384, 160, 512),
    micro_batches=(3, 2, 6, 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the random numbers of one scenario."""

    name: str
    regime: str  # a key of PATTERNS, or "recorded"
    size: int
    machine: Machine
    micro_batches: int
    room: float


def world_of(split: Split) -> World:
    """What the scenarios of a split are drawn from."""
    return HOLDOUT if split is Split.HOLDOUT else SEARCH


def recipes(tier: Tier, split: Split, settings: Settings) -> Sequence[Recipe]:
    """The generated scenarios of a tier and split; names repeat from one secret to the next."""
    held_out = split is Split.HOLDOUT
    patterns = [name for name, pattern in PATTERNS.items() if (pattern.split is Split.HOLDOUT) == held_out]
    chosen = str(settings.get("pattern", MIXED))
    regimes = patterns if chosen == MIXED else [chosen]
    found = []
    for index in range(NUM_INSTANCES[tier]):
        turn, place = divmod(index, len(regimes))
        found.append(_recipe(regimes[place], turn, place, tier, split, settings))
    return found


def generated(recipe: Recipe, settings: Settings, seeds: SeedSource) -> Scenario:
    """The scenario of a recipe."""
    rng = np.random.default_rng(seeds.instance(recipe.name))
    return _scenario(recipe, draw_lengths(PATTERNS[recipe.regime], recipe.size, rng), settings, seeds)


def from_recording(
    recording: Recording, tier: Tier, split: Split, settings: Settings, seeds: SeedSource
) -> list[Scenario]:
    """Batches in order in the report split; elsewhere batches of the split's stretch, to the tier's number."""
    count = int(settings.get("sequences", 0)) or DEFAULT_SEQUENCES
    scenarios = []
    whole = recording.whole(count) if split is Split.REPORT else []
    for index in range(min(len(whole), NUM_INSTANCES[tier]) if whole else NUM_INSTANCES[tier]):
        recipe = _recipe("recorded", index, 0, tier, split, settings)
        rng = np.random.default_rng(seeds.instance(recipe.name))
        lengths_N = whole[index] if whole else recording.part(count, split, rng)
        scenarios.append(_scenario(recipe, lengths_N, settings, seeds))
    return scenarios


def _recipe(regime: str, turn: int, place: int, tier: Tier, split: Split, settings: Settings) -> Recipe:
    """The `turn`-th scenario of a regime; `place` shifts the values that the regimes take in turns."""
    world = world_of(split)
    pattern = PATTERNS.get(regime)
    links = world.slow_links if pattern is not None and pattern.slow else world.links
    sizes = SMOKE_SIZES if tier is Tier.SMOKE else world.sizes
    return Recipe(
        name=f"{regime}-{turn}",
        regime=regime,
        size=int(settings.get("sequences", 0))
        or sizes[(turn + (place if tier is Tier.SMOKE else 3 * place)) % len(sizes)],
        machine=_machine(world, turn, place, links, settings),
        micro_batches=world.micro_batches[(turn + 2 * place) % len(world.micro_batches)],
        room=RECORDED_ROOM if pattern is None else pattern.room,
    )


def _machine(world: World, turn: int, place: int, links: Sequence[tuple[float, float]], settings: Settings) -> Machine:
    ranks, per_node = world.clusters[(turn + place) % len(world.clusters)]
    model = world.models[((turn + 1) // 2 + place) % len(world.models)]
    intra_gb_s, inter_gb_s = links[(turn // 4 + place) % len(links)]
    sync = list(Sync)[(turn + place) % 2]
    ring = "overlapped" if (turn // 2 + place) % 2 else "exposed"
    ranks = int(settings.get("ranks", 0)) or ranks
    return Machine(
        ranks=ranks,
        ranks_per_node=min(int(settings.get("ranks_per_node", 0)) or per_node, ranks),
        linear_us=float(settings.get("linear_us", 0)) or model.linear_us,
        crossover=float(settings.get("crossover", 0)) or model.crossover,
        kv_bytes=KIB * (float(settings.get("kv_kib", 0)) or model.kv_kib),
        intra_gb_s=float(settings.get("intra_gb_s", 0)) or intra_gb_s,
        inter_gb_s=float(settings.get("inter_gb_s", 0)) or inter_gb_s,
        hop_us=_unless_negative(settings, "hop_us", 1000.0),
        overhead_us=_unless_negative(settings, "overhead_us", 50_000.0),
        overlap=_told(settings, "ring", ring) == "overlapped",
        sync=Sync(_told(settings, "sync", sync)),
    )


def _scenario(recipe: Recipe, lengths_N: Ints, settings: Settings, seeds: SeedSource) -> Scenario:
    ranks = recipe.machine.ranks
    cap = int(settings.get("cap", 0)) or _cap(lengths_N, ranks, recipe.room, recipe.micro_batches)
    unlimited = Batch(lengths_N=lengths_N, cap=cap, micro_batches=1, machine=recipe.machine)
    aimed = int(settings.get("micro_batches", 0)) or recipe.micro_batches
    batch = Batch(
        lengths_N=lengths_N,
        cap=cap,
        micro_batches=max(aimed, micro_batches_of(first_fit(unlimited))),
        machine=recipe.machine,
    )
    return make_scenario(recipe.name, recipe.regime, batch, candidate_seed=seeds.candidate(recipe.name))


def _cap(lengths_N: Ints, ranks: int, room: float, micro_batches: int) -> int:
    """So many tokens that the micro-batches hold `room` times what there is, and all ranks the longest sequence."""
    least = max(room * lengths_N.sum() / (ranks * micro_batches), lengths_N.max() / ranks)
    return CAP_STEP * int(np.ceil(least / CAP_STEP))


def _unless_negative(settings: Settings, name: str, otherwise: float) -> float:
    told = float(settings.get(name, -1.0))
    return told if told >= 0 else otherwise


def _told(settings: Settings, name: str, otherwise: str) -> str:
    told = str(settings.get(name, MIXED))
    return otherwise if told == MIXED else told
