"""Which shops make up each tier and split.

Search, validation and hold-out have layouts, shapes and noise of their own, except where the user fixed them;
validation lies between the two others, so that a champion is not chosen on the kind of shop it was bred on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.contract import ContractError, ParameterValue, Split, Tier
from evaluators.scheduling.job_shop.dispatcher import Builder
from evaluators.scheduling.job_shop.generate import Layout, draw_shop, realised_durations, shuffled
from evaluators.scheduling.job_shop.instances_file import NamedShop
from evaluators.scheduling.job_shop.parameters import DEFAULT_SHAPE, DEFAULT_SIGMA, MIXED
from evaluators.scheduling.job_shop.scenario import Scenario, Setting, Variant, make_scenario
from evaluators.scheduling.job_shop.shop import MOST_OPERATIONS, Shop
from evaluators.seeding import SeedSource

Shape = tuple[int, int]  # jobs, machines

NUM_INSTANCES = {Tier.SMOKE: 6, Tier.QUICK: 48, Tier.FULL: 240, Tier.REPORT: 480}
SEARCH_SHAPES: tuple[Shape, ...] = ((10, 10), (15, 10), (15, 15), (20, 15))
# As many as have no divisor in common with the number of layouts, so that every shape meets every layout.
HOLDOUT_SHAPES: tuple[Shape, ...] = ((12, 12), (20, 10), (10, 15), (20, 20), (30, 10))
VALIDATION_SHAPES: tuple[Shape, ...] = ((12, 10), (18, 12), (12, 15), (18, 15), (24, 10))
SHAPES = {
    Split.SEARCH: SEARCH_SHAPES,
    Split.VALIDATION: VALIDATION_SHAPES,
    Split.HOLDOUT: HOLDOUT_SHAPES,
    Split.REPORT: SEARCH_SHAPES,
}
# Small shops at the edges of the contract, so that a branch that only they take does not rot unseen.
EDGE_SHAPES: tuple[Shape, ...] = ((5, 3), (2, 1), (3, 6), (4, 2), (1, 4), (6, 6))
HOLDOUT_LAYOUTS = (Layout.TWO_SETS, Layout.JOB_CORRELATED, Layout.MACHINE_CORRELATED)
VALIDATION_LAYOUTS = (Layout.SOME_TWO_SETS, Layout.JOB_LEANING, Layout.MACHINE_LEANING)
LAYOUTS = {
    Split.SEARCH: (Layout.TAILLARD,),
    Split.VALIDATION: VALIDATION_LAYOUTS,
    Split.HOLDOUT: HOLDOUT_LAYOUTS,
    Split.REPORT: (Layout.TAILLARD,),
}
SIGMA = {Split.SEARCH: DEFAULT_SIGMA, Split.VALIDATION: 0.27, Split.HOLDOUT: 0.35, Split.REPORT: DEFAULT_SIGMA}
VARIANTS = (Variant.CLASSIC, Variant.STOCHASTIC, Variant.BLOCKING)
HELD_OUT_EVERY = 3  # of a file with so many shops or more, each third is for the hold-out


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the random numbers of one generated scenario."""

    name: str
    regime: str
    shape: Shape
    layout: Layout
    setting: Setting


def recipes(tier: Tier, split: Split, settings: Mapping[str, ParameterValue]) -> Sequence[Recipe]:
    """The generated scenarios of a tier and split."""
    return [_recipe(index, tier, split, settings) for index in range(NUM_INSTANCES[tier])]


def check_shapes(chosen: Sequence[Recipe]) -> None:
    """Nothing where every shop is of a size that can be made.

    Raises:
        ContractError: The user's jobs and machines make too many operations, or nothing to choose.
    """
    for jobs, machines in {recipe.shape for recipe in chosen}:
        if min(jobs, machines) < 2:
            raise ContractError(
                f"jobs, machines: expected two or more of each, found {jobs} * {machines}: the order of the jobs makes "
                "no difference there, so that every program would score 0"
            )
        if jobs * machines > MOST_OPERATIONS:
            raise ContractError(f"jobs: expected jobs * machines up to {MOST_OPERATIONS}, found {jobs} * {machines}")


def _recipe(index: int, tier: Tier, split: Split, settings: Mapping[str, ParameterValue]) -> Recipe:
    variants = _variants(settings, VARIANTS)
    variant, turn = variants[index % len(variants)], index // len(variants)
    layout = _layout(turn, split, settings)
    shapes = EDGE_SHAPES if tier is Tier.SMOKE else SHAPES[split]
    shape = _shape(shapes[(index if tier is Tier.SMOKE else turn) % len(shapes)], settings)
    regime = str(variant) if layout is Layout.TAILLARD else f"{variant} {layout}"
    return Recipe(
        name=f"{regime}-{shape[0]}x{shape[1]}-{turn}",
        regime=regime,
        shape=shape,
        layout=layout,
        setting=_setting(variant, settings, SIGMA[split]),
    )


def _variants(settings: Mapping[str, ParameterValue], mixed: Sequence[Variant]) -> Sequence[Variant]:
    chosen = str(settings.get("variant", MIXED))
    return mixed if chosen == MIXED else (Variant(chosen),)


def _layout(turn: int, split: Split, settings: Mapping[str, ParameterValue]) -> Layout:
    chosen = str(settings.get("layout", MIXED))
    return LAYOUTS[split][turn % len(LAYOUTS[split])] if chosen == MIXED else Layout(chosen)


def _shape(suites: Shape, settings: Mapping[str, ParameterValue]) -> Shape:
    jobs, machines = int(settings.get("jobs", 0)), int(settings.get("machines", 0))
    return (jobs or DEFAULT_SHAPE, machines or DEFAULT_SHAPE) if jobs or machines else suites


def _setting(variant: Variant, settings: Mapping[str, ParameterValue], default_sigma: float) -> Setting:
    sigma = float(settings.get("sigma", default_sigma))
    return Setting(
        variant=variant,
        builder=Builder(str(settings.get("builder", Builder.OPEN))),
        sigma=sigma if variant is Variant.STOCHASTIC else 0.0,
    )


def generated(recipe: Recipe, seeds: SeedSource) -> Scenario:
    """The scenario of a recipe."""
    rng = np.random.default_rng(seeds.instance(recipe.name))
    shop = draw_shop(recipe.layout, *recipe.shape, rng)
    return _scenario(recipe.name, recipe.regime, shop, recipe.setting, seeds, rng)


def from_file(
    shops: Sequence[NamedShop], tier: Tier, split: Split, settings: Mapping[str, ParameterValue], seeds: SeedSource
) -> list[Scenario]:
    """All shops as they are in the report split; elsewhere shuffled copies of the split's part, to the tier's number.

    The classic variant, unless the user chose another.
    """
    setting = _setting(_variants(settings, (Variant.CLASSIC,))[0], settings, DEFAULT_SIGMA)
    if split is Split.REPORT:
        return [_as_published(named, setting, seeds) for named in shops]
    part, jitter = _part(shops, split), float(settings.get("jitter", 0.1))
    scenarios = []
    for index in range(NUM_INSTANCES[tier]):
        named = part[index % len(part)]
        name = f"{named.name}-{index // len(part)}"
        rng = np.random.default_rng(seeds.instance(name))
        shop = shuffled(named.shop, jitter, rng)
        scenarios.append(_scenario(name, str(setting.variant), shop, setting, seeds, rng))
    return scenarios


def _part(shops: Sequence[NamedShop], split: Split) -> Sequence[NamedShop]:
    """The hold-out has shops of its own where there are enough."""
    if len(shops) < HELD_OUT_EVERY:
        return shops
    held_out = split is Split.HOLDOUT
    return [shop for place, shop in enumerate(shops, start=1) if (place % HELD_OUT_EVERY == 0) == held_out]


def _as_published(named: NamedShop, setting: Setting, seeds: SeedSource) -> Scenario:
    rng = np.random.default_rng(seeds.instance(named.name))
    best = named.best_known if setting.variant is Variant.CLASSIC else None
    return _scenario(named.name, str(setting.variant), named.shop, setting, seeds, rng, best)


def _scenario(
    name: str,
    regime: str,
    shop: Shop,
    setting: Setting,
    seeds: SeedSource,
    rng: np.random.Generator,
    best_known: int | None = None,
) -> Scenario:
    realised = shop.with_durations(realised_durations(shop, setting.sigma, rng)).durations if setting.sigma else None
    return make_scenario(
        name, regime, shop, setting, realised=realised, candidate_seed=seeds.candidate(name), best_known=best_known
    )
