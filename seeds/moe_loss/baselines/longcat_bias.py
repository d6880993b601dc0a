"""No loss: a selection bias moved in proportion to what an expert lacks; experts without weights have none.

With null experts, feed-forward experts are held at a constant share of the choices, so that tokens may still take
different numbers of them. The step is 3 % of the mean score per even share that is lacking. The balance of device
groups beside it is left out.

Source: LongCat-Flash technical report, arXiv 2509.01322, as second-hand accounts have it.
"""

import torch

STEP = 0.03  # of the mean score
FEED_FORWARD = 2 / 3  # share of the choices that is meant for feed-forward experts, where there are others


def init_state(cfg):
    """A bias, the share wanted of each expert, and the step; nothing is wanted of null experts."""
    working = (cfg.expert_kind == 0).to(torch.float32)
    meant = 1.0 if bool(working.all()) else FEED_FORWARD
    mean = 1.0 / cfg.num_experts if cfg.score == "softmax" else 0.5
    return {
        "bias": torch.zeros(cfg.num_layers, cfg.num_experts),
        "wanted": meant * working / working.sum(),
        "step": torch.tensor([STEP * mean]),
    }


def select(b, state):
    """Scores with the bias; gates do not see it."""
    return b.probs + state["bias"][b.layer]


def update(g, state, step):
    """In proportion, over the share wanted."""
    wanted = state["wanted"]
    lack = torch.where(wanted > 0, wanted - g[:, 0], 0.0)
    state["bias"] += state["step"] * lack / wanted.max()


def loss(b, g, state):
    """The task's interface."""
    return b.logits.sum() * 0
