"""Compile the layer for a Hopper GPU and print what the assembler says, as JSON: run by `test_compiled`, by itself."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace

from evaluators.kernels.compiled import HEADLINE, compile_launch
from evaluators.kernels.dry_launches import layer_launches

if __name__ == "__main__":
    shape = replace(HEADLINE, expert_width=int(sys.argv[1]))
    print(json.dumps([asdict(compile_launch(launch)) for launch in layer_launches(shape)]))  # noqa: T201
