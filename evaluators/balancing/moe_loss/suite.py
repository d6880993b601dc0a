"""Which trainings make up each tier and split.

Each split has regimes of its own: other mixes of domains, numbers of experts and of experts per byte, except where the
user fixed them. So a program is chosen on what it was not bred on, and judged on what it was not chosen on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluators.balancing.moe_loss.balancer import MOST_DEVICES, num_devices
from evaluators.balancing.moe_loss.corpus import MadeText, Mix, TextSource, read_folder
from evaluators.balancing.moe_loss.scenario import Scenario
from evaluators.balancing.moe_loss.shape import Course, Shape
from evaluators.balancing.moe_loss.time_model import TimeModel, measured_times
from evaluators.balancing.moe_loss.training import Recipe
from evaluators.contract import ContractError, Split, Tier
from evaluators.kernels.profiles import read
from evaluators.parameters import file_path
from evaluators.problem import Settings
from evaluators.seeding import SeedSource

_SEED_BITS = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A kind of model and data."""

    name: str
    experts: int = 16
    top_k: int = 2
    gate: str = "softmax"
    mix: Mix = Mix.UNIFORM


SEARCH_REGIMES = (
    Regime(name="softmax"),
    Regime(name="sigmoid", gate="sigmoid"),
    Regime(name="skewed", mix=Mix.SKEWED),
)
VALIDATION_REGIMES = (
    Regime(name="dozen", experts=12, mix=Mix.SKEWED),
    Regime(name="broad", top_k=4),
    Regime(name="twenty-sigmoid", experts=20, gate="sigmoid", mix=Mix.SKEWED),
)
HOLDOUT_REGIMES = (
    Regime(name="wide", experts=32, top_k=4, mix=Mix.SKEWED),
    Regime(name="few", experts=8, mix=Mix.FORMAL),
    Regime(name="fine-sigmoid", experts=24, top_k=3, gate="sigmoid", mix=Mix.FORMAL),
)
REGIMES = {
    Split.SEARCH: SEARCH_REGIMES,
    Split.VALIDATION: VALIDATION_REGIMES,
    Split.HOLDOUT: HOLDOUT_REGIMES,
    Split.REPORT: SEARCH_REGIMES,
}
NUM_INSTANCES = {Tier.SMOKE: 2, Tier.QUICK: 12, Tier.FULL: 18, Tier.REPORT: 24}
COURSES = {
    Tier.SMOKE: Course(steps=3, validation=4),
    Tier.QUICK: Course(steps=90),
    Tier.FULL: Course(steps=200),
    Tier.REPORT: Course(steps=400, validation=256),
}
STRENGTHS = {
    Tier.SMOKE: (1.0,),
    Tier.QUICK: (1.0,),
    Tier.FULL: (1 / 3, 1.0, 3.0),
    Tier.REPORT: (1 / 3, 1.0, 3.0),
}


def scenarios(tier: Tier, split: Split, settings: Settings, seeds: SeedSource) -> Sequence[Scenario]:
    """The trainings of a tier and split.

    Raises:
        ContractError: The settings do not fit each other, or the corpus cannot be read.
    """
    source, course = text_source(settings), _course(tier, settings)
    regimes = REGIMES[split]
    found = []
    for index in range(NUM_INSTANCES[tier]):
        turn, place = divmod(index, len(regimes))
        name = f"{regimes[place].name}-{turn}"
        seed = seeds.instance(name) >> (64 - _SEED_BITS)
        mix = Mix(str(settings.get("mix", regimes[place].mix)))
        shape = model_shape(regimes[place], settings)
        recipe = Recipe(shape=shape, course=course, source=source, mix=mix, seed=seed)
        found.append(
            Scenario(
                name=name,
                regime=regimes[place].name,
                recipe=recipe,
                strengths=STRENGTHS[tier],
                times=_times(settings),
                candidate_seed=seeds.candidate(name),
            )
        )
    return found


def model_shape(regime: Regime, settings: Settings) -> Shape:
    """The model of a regime.

    Raises:
        ContractError: More experts per byte than half of the experts, experts that devices cannot share, or a width
            that heads cannot share.
    """
    experts = int(settings.get("experts", regime.experts))
    if experts > MOST_DEVICES and num_devices(experts) < MOST_DEVICES // 2:
        raise ContractError(
            f"experts: expected at most {MOST_DEVICES}, or a multiple of a number from {MOST_DEVICES // 2} to "
            f"{MOST_DEVICES}, so that as many devices hold equally many, found {experts}"
        )
    top_k = int(settings.get("top_k", regime.top_k if "experts" not in settings else min(regime.top_k, experts // 2)))
    if top_k > experts // 2:
        raise ContractError(f"top_k: expected at most half of the {experts} experts, found {top_k}")
    base = Shape()
    width = int(settings.get("width", base.d_model))
    if width % 4:
        raise ContractError(f"width: expected a multiple of 4, found {width}")
    null_experts = int(settings.get("null_experts", base.null_experts))
    return replace(
        base,
        num_experts=experts + null_experts,
        null_experts=null_experts,
        null_kind=str(settings.get("null_kind", base.null_kind)),
        capacity=float(settings.get("capacity", base.capacity)),
        top_k=top_k,
        gate=str(settings.get("gate", regime.gate)),
        d_model=width,
        d_expert=int(settings.get("expert_width", base.d_expert)),
        num_layers=int(settings.get("layers", base.num_layers)),
    )


def text_source(settings: Settings) -> TextSource:
    """The made domains, or the user's folder.

    Raises:
        ContractError: The folder has too few domains or too little text.
    """
    value = settings.get("corpus", "")
    return read_folder(file_path(value)) if value else MadeText()


def _course(tier: Tier, settings: Settings) -> Course:
    course = COURSES[tier]
    micro_batches = int(settings.get("micro_batches", course.micro_batches))
    if course.sequences % micro_batches:
        raise ContractError(f"micro_batches: expected a divisor of {course.sequences}, found {micro_batches}")
    steps = course.steps if tier is Tier.SMOKE else int(settings.get("steps", course.steps))
    return replace(course, micro_batches=micro_batches, steps=steps)


def _times(settings: Settings) -> TimeModel:
    base = TimeModel()
    nats_per_time = float(settings.get("nats_per_time", base.nats_per_time))
    share = float(settings["expert_share"]) if "expert_share" in settings else None
    if settings.get("profile", ""):
        return measured_times(read(str(file_path(settings["profile"]))), share, nats_per_time)
    return TimeModel(expert_share=base.expert_share if share is None else share, nats_per_time=nats_per_time)
