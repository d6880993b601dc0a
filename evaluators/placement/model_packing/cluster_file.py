"""Clusters from a user's file, and the same with other rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from evaluators.contract import ContractError
from evaluators.parameters import file_path
from evaluators.placement.model_packing.bound import relaxed_bound, too_few_gpus, volume_bound
from evaluators.placement.model_packing.cluster import NOWHERE, SLACK_GB, Cluster
from evaluators.placement.model_packing.parameters import MOST_GPUS, MOST_PARTS
from evaluators.placement.model_packing.placement import first_fit
from evaluators.user_file import read_json

MOST_CLUSTERS = 200
LEAST_GB = 0.001
LEAST_GAIN = 1e-6  # of a bound: less is rounding
_CLUSTER_KEYS = frozenset({"name", "gpus", "models", "budget_gb"})
_GPU_KEYS = frozenset({"memory_gb", "count"})
_MODEL_KEYS = frozenset({"name", "size_gb", "rate", "slo", "parts", "home"})


@dataclass(frozen=True, slots=True)
class NamedCluster:
    """One cluster of a file."""

    name: str
    cluster: Cluster


@dataclass(frozen=True, slots=True)
class _Model:
    size_gb: float
    rate: float
    slo: float
    homes: tuple[int, ...]  # one per part


@lru_cache(maxsize=2)
def read_clusters(value: str) -> tuple[NamedCluster, ...]:
    """The clusters in a file parameter's value.

    JSON: a cluster, or a list of them. A cluster is ``{"gpus": [{"memory_gb": 80, "count": 4}, ...], "models":
    [{"size_gb": 13.5, "rate": 4, "slo": 6, "parts": 2, "home": [0, 3]}, ...], "budget_gb": 20}``; size and rate are
    those of each part, count and parts are 1 if left out, home is -1 or left out for what runs nowhere yet, and
    budget_gb is 0 if left out. A cluster and a model may have a name.

    Raises:
        ContractError: Not such a file; says where, what was expected and what was found.
    """
    path = file_path(value)
    where = f"cluster {path}"
    content = read_json(path, where)
    entries = content if isinstance(content, list) else [content]
    if not 1 <= len(entries) <= MOST_CLUSTERS:
        raise ContractError(f"{where}: expected 1 to {MOST_CLUSTERS} clusters, found {len(entries)}")
    named = tuple(_named(entry, number, where) for number, entry in enumerate(entries))
    if len({one.name for one in named}) < len(named):
        raise ContractError(f"{where}: expected clusters with different names")
    return named


def jittered(cluster: Cluster, sigma: float, rng: np.random.Generator) -> Cluster:
    """The cluster with rates that differ by lognormal factors, one per model."""
    factors = np.exp(sigma * rng.standard_normal(int(cluster.model_N.max()) + 1))
    return replace(cluster, rate_N=cluster.rate_N * factors[cluster.model_N])


def _named(entry: object, number: int, where: str) -> NamedCluster:
    fields = _object(entry, _CLUSTER_KEYS, {"gpus", "models"}, f"{where}: cluster {number}")
    name = fields.get("name", f"cluster-{number}")
    if not isinstance(name, str) or not name:
        raise ContractError(f"{where}: cluster {number}: expected a text as name, found {name!r}")
    return NamedCluster(name, _cluster(fields, f"{where}: {name}"))


def _cluster(fields: Mapping[str, object], where: str) -> Cluster:
    memory_G = np.array(_memories(fields["gpus"], where))
    models = [
        _model(entry, len(memory_G), f"{where}: model {number}")
        for number, entry in enumerate(_list(fields["models"], f"{where}: models"))
    ]
    widths = [len(model.homes) for model in models]
    if sum(widths) > MOST_PARTS:
        raise ContractError(f"{where}: expected up to {MOST_PARTS} parts, found {sum(widths)}")
    cluster = Cluster(
        memory_G=memory_G,
        size_N=np.repeat([model.size_gb for model in models], widths),
        rate_N=np.repeat([model.rate for model in models], widths),
        slo_N=np.repeat([model.slo for model in models], widths),
        model_N=np.repeat(np.arange(len(models)), widths),
        home_N=np.array([home for model in models for home in model.homes], dtype=np.int64),
        budget_gb=_number(fields.get("budget_gb", 0), 0.0, f"{where}: budget_gb"),
    )
    _check_fit(cluster, where)
    _check_choice(cluster, where)
    return cluster


def _check_fit(cluster: Cluster, where: str) -> None:
    """Nothing if first fit can place it, and a placement with room is not out of the question.

    Raises:
        ContractError: Homes are overfull, the weights are more than the memory, a model is larger than its GPUs, or
            the weak baseline fails.
    """
    settled = cluster.home_N != NOWHERE
    at_home_G = np.bincount(cluster.home_N[settled], cluster.size_N[settled], cluster.num_gpus)
    worst = int((at_home_G - cluster.memory_G).argmax())
    if at_home_G[worst] > cluster.memory_G[worst] + SLACK_GB:
        found, memory = at_home_G[worst], cluster.memory_G[worst]
        raise ContractError(f"{where}: expected at most {memory:g} GB at home on GPU {worst}, found {found:g} GB")
    weights_gb, memory_gb = cluster.size_N.sum(), cluster.memory_G.sum()
    if weights_gb >= memory_gb:
        raise ContractError(f"{where}: expected less than {memory_gb:g} GB of weights, found {weights_gb:g} GB")
    if too_few_gpus(cluster, cluster.size_N):
        raise ContractError(f"{where}: expected for each part of a model a GPU of its own that holds it")
    if first_fit(cluster) is None:
        raise ContractError(
            f"{where}: expected parts that first fit, largest first, can place; give homes, or more memory"
        )


def _check_choice(cluster: Cluster, where: str) -> None:
    """Nothing if something is to be chosen and to be won; else every program would score 0.

    Raises:
        ContractError: One GPU, homes that nothing may leave, no room at all, or none beyond that of first fit.
    """
    if cluster.num_gpus < 2:
        raise ContractError(f"{where}: gpus: expected two or more, found 1: there is nothing to choose")
    smallest_gb, budget_gb = float(cluster.size_N.min()), cluster.budget_gb
    if (cluster.home_N != NOWHERE).all() and budget_gb + SLACK_GB < smallest_gb:
        raise ContractError(
            f"{where}: budget_gb: every part has a home, so expected {smallest_gb:g} GB or more, of which the smallest "
            f"part can move, found {budget_gb:g} GB"
        )
    bound = relaxed_bound(cluster)
    if bound <= LEAST_GAIN * volume_bound(cluster):
        raise ContractError(
            f"{where}: expected that a placement can leave room on every GPU; raise memory or budget_gb"
        )
    weak = first_fit(cluster)
    if weak is not None and bound - cluster.room(weak) <= LEAST_GAIN * bound:
        raise ContractError(
            f"{where}: first fit leaves the most room that is possible already, so that nothing can be won; expected "
            "more models, or a budget_gb"
        )


def _memories(value: object, where: str) -> list[float]:
    memories: list[float] = []
    for number, entry in enumerate(_list(value, f"{where}: gpus")):
        place = f"{where}: gpus {number}"
        fields = _object(entry, _GPU_KEYS, {"memory_gb"}, place)
        count = _whole(fields.get("count", 1), 1, MOST_GPUS, f"{place}: count")
        memories += [_number(fields["memory_gb"], 1.0, f"{place}: memory_gb")] * count
    if len(memories) > MOST_GPUS:
        raise ContractError(f"{where}: expected up to {MOST_GPUS} GPUs, found {len(memories)}")
    return memories


def _model(value: object, gpus: int, where: str) -> _Model:
    fields = _object(value, _MODEL_KEYS, {"size_gb", "rate", "slo"}, where)
    parts = _whole(fields.get("parts", 1), 1, gpus, f"{where}: parts")
    given = fields.get("home", NOWHERE)
    homes = [given] * parts if given == NOWHERE else given if isinstance(given, list) else [given]
    if len(homes) != parts:
        raise ContractError(f"{where}: home: expected {parts} GPUs, one for each part, found {len(homes)}")
    read = tuple(_whole(home, NOWHERE, gpus - 1, f"{where}: home") for home in homes)
    known = [home for home in read if home != NOWHERE]
    if len(set(known)) < len(known):
        raise ContractError(f"{where}: home: expected a GPU of its own for each part, found {homes}")
    return _Model(
        size_gb=_number(fields["size_gb"], LEAST_GB, f"{where}: size_gb"),
        rate=_number(fields["rate"], 1e-9, f"{where}: rate"),
        slo=_number(fields["slo"], 1e-9, f"{where}: slo"),
        homes=read,
    )


def _object(value: object, known: frozenset[str], needed: set[str], where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ContractError(f"{where}: expected an object with {', '.join(sorted(needed))}, found {value!r:.60}")
    if missing := needed - value.keys():
        raise ContractError(f"{where}: expected {', '.join(sorted(missing))}, found {', '.join(value) or 'nothing'}")
    if unknown := value.keys() - known:
        raise ContractError(f"{where}: expected {', '.join(sorted(known))}, found {', '.join(sorted(unknown))}")
    return value


def _list(value: object, where: str) -> Sequence[object]:
    if not isinstance(value, list) or not value:
        raise ContractError(f"{where}: expected a list that is not empty, found {value!r:.60}")
    return value


def _number(value: object, least: float, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 1e9:
        raise ContractError(f"{where}: expected a number from {least:g} to 1e9, found {value!r:.60}")
    return float(value)


def _whole(value: object, least: int, most: int, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ContractError(f"{where}: expected a whole number from {least} to {most}, found {value!r:.60}")
    return value
