"""What a user may set: the job, the number of devices, or a network of their own."""

from __future__ import annotations

from evaluators.parameter_specs import file, integer, number

JITTER = 0.2
MOST_DEVICES = 128

# What is not set is the suite's to choose: some values in search and validation, others in the hold-out.
PARAMETERS = (
    integer(
        "devices", 0, 0, MOST_DEVICES, "devices of a drawn network; 0: 12 to 24, by regime; 18 to 40 in the hold-out"
    ),
    integer("layers", 0, 0, 512, "layers of the model; 0: 24 to 40, by draw"),
    integer("hidden", 0, 0, 65536, "width of the model; 0: 1536 to 2560, by draw"),
    integer("sequence", 2048, 128, 1 << 20, "tokens of a sequence; a micro-batch is one"),
    integer("micro_batches", 0, 0, 1 << 16, "sequences of a step, over all replicas; 0: 64 to 256, by regime"),
    file(
        "network",
        'your own: {"sites": [names], "latency_ms": rows, "gbit_s": rows, "devices": [{"site", "tflops", "memory_gb", '
        '"count"}]}; rows send, the diagonal is within a site; the report split plays it as it is, others jittered',
    ),
    number("jitter", JITTER, 0.0, 2.0, "of the logarithm of rates and speeds, in networks of a file"),
)
