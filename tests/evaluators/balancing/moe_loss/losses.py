"""Small trainings, and losses to put into them."""

from __future__ import annotations

from evaluators.adapters.hosting import hosted
from evaluators.balancing.moe_loss.balancer import Balancer
from evaluators.balancing.moe_loss.corpus import MadeText, Mix
from evaluators.balancing.moe_loss.hosting import HOST
from evaluators.balancing.moe_loss.scenario import Scenario
from evaluators.balancing.moe_loss.shape import Course, Shape
from evaluators.balancing.moe_loss.time_model import TimeModel
from evaluators.balancing.moe_loss.training import Recipe
from tests.in_process import InProcessCandidate

SHAPE = Shape(num_experts=8, d_model=16, d_expert=8, context=16)
COURSE = Course(steps=6, sequences=8, micro_batches=4, validation=8)
NONE = "def loss(b, g, state):\n    return b.logits.sum() * 0\n"
GLOBAL = """
def loss(b, g, state):
    share = b.probs / b.probs.sum(-1, keepdim=True)
    return 0.1 * b.num_experts * (g[0] * share.mean(0)).sum()
"""


def a_recipe(shape: Shape = SHAPE, course: Course = COURSE, seed: int = 3) -> Recipe:
    return Recipe(shape=shape, course=course, source=MadeText(), mix=Mix.UNIFORM, seed=seed)


def a_scenario(shape: Shape = SHAPE, strengths: tuple[float, ...] = (1.0,)) -> Scenario:
    return Scenario(
        name="s", regime="r", recipe=a_recipe(shape), strengths=strengths, times=TimeModel(), candidate_seed=5
    )


def in_process(source: str) -> InProcessCandidate:
    return InProcessCandidate(hosted(source, HOST))


def a_balancer(source: str, shape: Shape = SHAPE, course: Course = COURSE) -> Balancer:
    return Balancer(in_process(source), shape, course, seed=5)
