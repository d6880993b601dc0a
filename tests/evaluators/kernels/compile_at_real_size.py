"""Compile the layer for a Hopper GPU and print what the assembler says, as JSON: run by `test_compiled`, by itself.

With ``tma`` behind the expert width not the layer as it is by default, but what a search tries with the copy engine.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace

from evaluators.kernels.compiled import HEADLINE, compile_launch
from evaluators.kernels.dry_launches import candidate_launches, layer_launches

if __name__ == "__main__":
    shape = replace(HEADLINE, expert_width=int(sys.argv[1]))
    if sys.argv[2:] == ["tma"]:
        launches = [launch for launch in candidate_launches(shape) if launch.arguments.get("tma")]
    else:
        launches = layer_launches(shape)
    print(json.dumps([asdict(compile_launch(launch)) for launch in launches]))  # noqa: T201
