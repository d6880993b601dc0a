"""Around the EVOLVE-BLOCK: how likely each expert is needed when its layer's turn comes, and what that is worth.

Method, of a `Policy` that asks `LikelihoodRule`: an expert's likelihood is a decayed share of the steps that used it
(after LRFU, Lee et al. 2001), to which recency, earlier sequences, the next layer's hint and the shown future can be
added; the GPU keeps what is likely, and the link brings the likely of the next layers. At first it was decayed LFU, and
what is all but certain of the next layer was loaded ahead; each further idea was at its neutral value, to be turned.

Shapes: L layers, E experts.
"""

import numpy as np

# EVOLVE-BLOCK-START
HALF_LIFE = 8.0  # steps after which a use counts half
RECENCY = 0.0  # added for an expert that the step before used
FADING = 0.5  # what of that is left for each further step since
EARLIER = 0.0  # weight of the share in earlier sequences, against that in this trace
FORGET = 0.0  # of the likelihoods, when a new sequence begins; 1: back to earlier sequences
CROWD = 0.0  # added per token beyond the first that chose an expert when it was used last
TRUST = 0.5  # weight of a hint, times its accuracy
DISTANCE = 0.0  # share of the worth lost by an expert whose layer comes last
NEXT = 0.0  # added to the worth of the next layer's experts
SOONER = 100.0  # worth of an expert that is shown to be needed in the next event
LATER = 0.1  # lost of that for each event in between
DEPTH = 1.0  # layers ahead of which experts are loaded ahead
LEAST = 0.9  # likelihood from which one is
BUSY = 0.0  # added to LEAST for each needed expert that was missing, per expert needed


def likelihood(rate: np.ndarray, earlier: np.ndarray, age: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    """(L, E): that an expert is needed in its layer's next turn; `age` counts steps since its last use."""
    return (1 - EARLIER) * rate + EARLIER * earlier + RECENCY * FADING**age + CROWD * crowd


def hinted(likely: np.ndarray, told: np.ndarray, accuracy: float) -> np.ndarray:
    """(E,): the next layer's likelihoods with a hint; `told` is the expected number of tokens per expert."""
    weight = TRUST * accuracy
    return (1 - weight) * likely + weight * np.minimum(told, 1.0)


def worth(likely: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """(L, E): what keeping an expert is worth; `distance`, (L, 1), is 0 for the next layer and near 1 for this one."""
    return likely * (1 - DISTANCE * distance) + NEXT * (distance == 0)


def shown_worth(events_between: np.ndarray) -> np.ndarray:
    """What keeping an expert is worth that is shown to be needed after so many other events."""
    return SOONER - LATER * events_between


def least_likelihood(missing: float) -> float:
    """From what likelihood on an expert is loaded ahead; `missing` is the share of those needed now."""
    return LEAST + BUSY * missing


class Policy:
    """The task's interface. Any other method may stand here."""

    def __init__(self, config: dict) -> None:
        self.rule = LikelihoodRule(config)

    def decide(self, event: dict) -> dict:
        """What to keep and what to load ahead, when a layer's router has chosen."""
        return self.rule.decide(event)


# EVOLVE-BLOCK-END


class LikelihoodRule:
    """Likelihoods learnt from what was needed, and what follows from them with the functions above."""

    def __init__(self, config: dict) -> None:
        self.layers, self.experts, self.most = config["layers"], config["experts"], config["most_ahead"]
        self.accuracy, self.choices = config["hint_accuracy"], config["top_k"] * config["tokens"]
        history = config["history"]
        uses = history.sum(axis=0) / max(1.0, history[:, 0].sum() / config["top_k"])  # per token
        self.earlier = (1 - (1 - np.minimum(uses, 1)) ** config["tokens"]).astype(np.float32)
        self.rate = self.earlier.copy()
        self.decay = 0.5 ** (1 / max(HALF_LIFE, 1e-3))
        self.last = np.full((self.layers, self.experts), -30.0, dtype=np.float32)
        self.crowd = np.zeros((self.layers, self.experts), dtype=np.float32)

    def decide(self, event: dict) -> dict:
        """Keep by worth; ahead, what is shown or likely in the next layers."""
        layer, resident = event["layer"], event["resident"]
        self._learn(layer, event)
        age = np.maximum(event["step"] - self.last - (np.arange(self.layers)[:, None] > layer), 0)
        likely = likelihood(self.rate, self.earlier, age, self.crowd)
        if event["hint"].any():
            likely[layer + 1] = hinted(likely[layer + 1], event["hint"] * self.choices, self.accuracy)
        apart = ((np.arange(self.layers) - layer - 1) % self.layers)[:, None]
        keep = worth(likely, apart / self.layers).astype(np.float32)
        missing = np.count_nonzero((event["tokens"] > 0) & ~resident[layer]) / np.count_nonzero(event["tokens"])
        wanted = np.where((apart < DEPTH) & (likely >= least_likelihood(missing)), keep, -np.inf)
        self._show(layer, event["future"], keep, wanted)
        wanted[resident] = -np.inf
        order = np.argsort(-wanted, axis=None, kind="stable")[: self.most]
        order = order[wanted.reshape(-1)[order] > -np.inf]
        ahead = np.full(self.most, -1, dtype=np.int64)
        ahead[: len(order)] = order
        return {"keep": np.nan_to_num(keep), "ahead": ahead}

    def _learn(self, layer: int, event: dict) -> None:
        needed = event["tokens"] > 0
        if event["fresh"] and layer == 0 and event["step"]:
            self.rate = ((1 - FORGET) * self.rate + FORGET * self.earlier).astype(np.float32)
        self.rate[layer] = self.decay * self.rate[layer] + (1 - self.decay) * needed
        self.last[layer, needed] = event["step"]
        self.crowd[layer] = np.where(needed, event["tokens"] - 1, self.crowd[layer])

    def _show(self, layer: int, future: np.ndarray, keep: np.ndarray, wanted: np.ndarray) -> None:
        """What is shown of the future overrides what is likely; of an expert that comes twice, the first counts."""
        when, experts = np.nonzero(future[::-1])
        when = len(future) - 1 - when
        layers = (layer + 1 + when) % self.layers
        keep[layers, experts] = wanted[layers, experts] = shown_worth(when)
