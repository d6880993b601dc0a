"""Experts dealt out to the GPUs in turn, in every layer: neighbours in number are on different GPUs.

Source: the `round_robin` expert placement of vLLM (github.com/vllm-project/vllm), a static layout for models whose
neighbouring experts are routed alike.
"""

import numpy as np


def place(trace, source, config):
    """The same row in every layer: slot s of GPU g has expert s * G + g, the spare slots go on from the first."""
    order = np.arange(config["slots"]).reshape(-1, config["gpus"]).T.ravel() % config["experts"]
    rows = np.tile(order, (config["layers"], 1))
    by_gpu = np.sort(rows[0].reshape(config["gpus"], -1), axis=1)
    if (by_gpu[:, 1:] == by_gpu[:, :-1]).any():  # the second round meets the first: in order instead
        rows = np.tile(np.arange(config["slots"]) % config["experts"], (config["layers"], 1))
    return rows.astype(np.int32)
