"""What a user may set to make the task their own fleet, traffic and SLOs."""

from __future__ import annotations

from evaluators.parameter_specs import choice, file, integer, number
from evaluators.scheduling.llm_serving.costs import MODELS
from evaluators.scheduling.llm_serving.services import SERVICES

# What is not set is the suite's to choose, scenario by scenario; the defaults are those of most scenarios.
PARAMETERS = (
    integer("replicas", 4, 1, 64, "replicas of the model"),
    choice("model", "llama3-8b", tuple(MODELS), "model whose measured costs are used"),
    choice("gpu", "a100", ("a100", "h100"), "GPU; H100 profiles exist for the Llama-2 models"),
    integer("tp", 1, 1, 8, "GPUs that share each layer of a replica: 1, 2, 4 or 8"),
    integer("kv_tokens", 0, 0, 1 << 26, "KV cache of a replica; 0: 90 % of 80 GiB per GPU less the weights"),
    integer("prefill_replicas", 0, 0, 63, "of them for prompts only, the rest for decodes only; 0: all do both"),
    number("link_gb_s", 25.0, 0.01, 1e4, "GB/s between replicas, for KV that moves"),
    choice("service", "conversation", tuple(SERVICES), "kind of generated traffic"),
    file("trace", "recorded traffic instead: Azure or BurstGPT CSV, Mooncake JSONL, gzipped or not"),
    number("load", 0.85, 0.001, 3.0, "offered rate over the proven capacity bound"),
    number("rate", 0.0, 0.0, 1e6, "requests per second instead of a load, at least 0.001; 0: by load"),
    number("slo_ttft_s", 1.0, 0.001, 1e4, "first token wanted within"),
    number("slo_tpot_s", 0.05, 0.0001, 1e3, "further tokens wanted within, on average"),
    choice("goal", "none", ("none", "energy", "tuning"), "beside latency: little energy, or fine-tuning in idle time"),
    number("priority_share", 0.0, 0.0, 1.0, "share of urgent requests: half the first-token limit, triple weight"),
    number("prediction_sigma", 0.6, 0.0, 5.0, "noise of predicted output lengths, log scale; unset: mostly none given"),
)
