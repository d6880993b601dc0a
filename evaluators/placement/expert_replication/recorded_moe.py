"""A recorded routing trace that is shipped: a small mixture of experts while it learns.

``recorded_moe.npy`` has the experts (uint8, ``[131072 bytes of text, 4 layers, 4 of 32 experts]``) that a model of the
task `moe_loss` chose at eight equally spaced checkpoints of its training, 16,384 bytes of text at each. It was made at
commit ba09325, with torch 2.13.0 on one thread of a CPU, by

    python -m evaluators.balancing.moe_loss.record --out recorded_moe.npy --experts 32 --top-k 4 --layers 4
        --steps 400 --checkpoints 8 --sequences 256 --seed 0

The load jumps from checkpoint to checkpoint, stays alike between, and evens out as training goes on. The file is
public: nothing breeds or chooses programs on it.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from evaluators.placement.expert_replication.loads import RecordedLoads, counted
from evaluators.placement.token_ids import read_token_ids

EXPERTS = 32
TOKENS = 1024  # bytes of text that stand for one iteration: 128 of them, four to a window of the report tier
FILE = "recorded_moe.npy"


@lru_cache(maxsize=1)
def recorded_moe() -> RecordedLoads:
    """The loads of the shipped trace."""
    with resources.as_file(resources.files(__package__) / FILE) as path:
        ids_TLK = read_token_ids(path)
        return RecordedLoads(counted(ids_TLK, TOKENS, EXPERTS, path), ids_TLK.shape[2], None)
