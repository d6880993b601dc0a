"""The stand-in server as a process of its own, so that its CPU time is apart."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from tests.fake_openai.faults import FaultPlan
from tests.fake_openai.server import FakeModel, FakeOpenAI, serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_openai", description=__doc__)
    parser.add_argument("--port", type=int, default=8399, help="0: any free one; it is printed")
    parser.add_argument("--models", default="good:0.9,bad:0.2", help="NAME:QUALITY, with commas between")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    parser.add_argument("--fault-share", type=float, default=0.0, help="share of requests that fail")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pairs = [part.partition(":") for part in options.models.split(",")]
    models = [
        FakeModel(
            name=name,
            quality=float(quality or 1.0),
            latency_s=options.latency,
            faults=FaultPlan(share=options.fault_share, seed=options.seed + number),
        )
        for number, (name, _, quality) in enumerate(pairs)
    ]
    asyncio.run(_run(FakeOpenAI(models, options.seed), options.port))


async def _run(server: FakeOpenAI, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.create_task(serve(server, port, stop))
    while not server.port and not serving.done():
        await asyncio.sleep(0.01)
    sys.stdout.write(f"{server.url} serves {', '.join(server.models)}; numbers at {server.url[:-3]}/stats\n")
    sys.stdout.flush()
    await serving


main()
