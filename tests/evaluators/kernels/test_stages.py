"""What is timed is the same computation on both sides."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the kernels need torch, which is not installed here")
pytest.importorskip("triton", reason="the kernels need triton, which is not installed here")

from evaluators.kernels import stages, torch_stages  # noqa: E402
from evaluators.kernels.reference import Routing, Schedule  # noqa: E402
from evaluators.kernels.shapes import LayerShape, Stage  # noqa: E402
from evaluators.kernels.tiles import Backward  # noqa: E402
from evaluators.kernels.trial import row_error  # noqa: E402

SHAPE = LayerShape(tokens=24, width=32, experts=4, top_k=2, expert_width=16, dtype="float32")
pytestmark = pytest.mark.usefixtures("interpreter")


@pytest.fixture(params=[None, (0, 40, 8, 0)], ids=["even", "ragged"])
def inputs(request: pytest.FixtureRequest) -> stages.LayerInputs:
    return stages.layer_inputs(SHAPE, torch.device("cpu"), 3, request.param)


@pytest.mark.parametrize("stage", Stage)
def test_stage_agrees_with_torch(stage: Stage, inputs: stages.LayerInputs) -> None:
    ours, theirs = stages.launch(stage, inputs)(), torch_stages.torch_launch(stage, inputs)()
    if isinstance(ours, Schedule):
        assert isinstance(theirs, Schedule)
        assert torch.equal(ours.order, theirs.order)
        return
    if isinstance(ours, Routing):
        ours = ours.gates
    assert row_error(ours, theirs) < 1e-5


@pytest.mark.parametrize("step", Backward)
def test_backward_products_run_on_the_stage_inputs(step: Backward, inputs: stages.LayerInputs) -> None:
    gradient = stages.launch(step, inputs)()
    assert isinstance(gradient, torch.Tensor)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("looped", [False, True])
def test_whole_layer_agrees_with_torch_forward_and_backward(looped: bool, inputs: stages.LayerInputs) -> None:
    for name in (stages.FORWARD, stages.FORWARD_BACKWARD):
        ours, theirs = stages.whole_layer(name, inputs)(), torch_stages.torch_whole_layer(name, inputs, looped)()
        assert isinstance(ours, torch.Tensor | tuple)
        assert isinstance(theirs, torch.Tensor | tuple)
        assert len(ours) == len(theirs)
        assert all(row_error(one, other) < 1e-5 for one, other in zip(ours, theirs, strict=True))


def test_loads_are_those_asked_for() -> None:
    inputs = stages.layer_inputs(SHAPE, torch.device("cpu"), 0, (1, 2, 3, 42))
    assert inputs.schedule.counts.tolist() == [1, 2, 3, 42]
    with pytest.raises(ValueError, match="of sum 48"):
        stages.layer_inputs(SHAPE, torch.device("cpu"), 0, (1, 2, 3, 4))
