"""A network from a user's file, and the same with other rates and speeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evaluators.contract import ContractError
from evaluators.parameters import file_path
from evaluators.placement.pipeline_layout.draw import GBIT
from evaluators.placement.pipeline_layout.network import Floats, Ints, Network, by_site
from evaluators.placement.pipeline_layout.parameters import MOST_DEVICES
from evaluators.user_file import read_json

_KEYS = frozenset({"sites", "latency_ms", "gbit_s", "devices"})
_DEVICE_KEYS = frozenset({"site", "tflops", "memory_gb", "count"})


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Recording:
    """Devices at sites, and the links between and within sites; S sites, D devices."""

    name: str
    site_D: Ints
    tflops_D: Floats
    memory_D: Floats
    latency_SS: Floats  # seconds
    rate_SS: Floats  # GB/s


@lru_cache(maxsize=2)
def read_network(value: object) -> Recording:
    """The network in a file parameter's value.

    JSON: ``{"sites": ["a", "b"], "latency_ms": [[0.1, 80], [80, 0.1]], "gbit_s": [[25, 1], [0.5, 25]], "devices":
    [{"site": "a", "tflops": 60, "memory_gb": 32, "count": 4}, ...]}``. Rows send, columns receive, the diagonal is
    within a site; tflops are sustained, 10^12 operations per second; count is 1 if left out.

    Raises:
        ContractError: Not such a file; says where, what was expected and what was found.
    """
    path = file_path(str(value))
    where = f"network {path}"
    fields = _object(read_json(path, where), _KEYS, _KEYS, where)
    sites = _sites(fields["sites"], f"{where}: sites")
    devices = _devices(fields["devices"], sites, f"{where}: devices")
    return Recording(
        name=path.stem,
        site_D=np.array([sites.index(site) for site, _, _ in devices], dtype=np.int64),
        tflops_D=np.array([tflops for _, tflops, _ in devices]),
        memory_D=np.array([memory for _, _, memory in devices]),
        latency_SS=_matrix(fields["latency_ms"], len(sites), (0.0, 1e5), f"{where}: latency_ms") / 1000,
        rate_SS=_matrix(fields["gbit_s"], len(sites), (1e-4, 1e6), f"{where}: gbit_s") * GBIT,
    )


def jittered(recording: Recording, sigma: float, rng: np.random.Generator) -> Network:
    """The network with rates and speeds changed by lognormal factors, its devices in no order."""
    rates = recording.rate_SS * np.exp(sigma * rng.standard_normal(recording.rate_SS.shape))
    speeds = recording.tflops_D * np.exp(sigma * rng.standard_normal(recording.tflops_D.shape))
    network = by_site(recording.site_D, speeds, recording.memory_D, recording.latency_SS, rates)
    return network.shuffled(rng)


def _sites(value: object, where: str) -> list[str]:
    names = _list(value, where)
    texts = [name for name in names if isinstance(name, str) and name]
    if len(texts) < len(names) or len(set(texts)) < len(texts) or len(texts) > MOST_DEVICES:
        raise ContractError(f"{where}: expected up to {MOST_DEVICES} different names, found {names!r:.80}")
    return texts


def _devices(value: object, sites: Sequence[str], where: str) -> list[tuple[str, float, float]]:
    """Site, TFLOP/s and GB of each device."""
    devices: list[tuple[str, float, float]] = []
    for number, entry in enumerate(_list(value, where)):
        place = f"{where}: {number}"
        fields = _object(entry, _DEVICE_KEYS, _DEVICE_KEYS - {"count"}, place)
        site, count = fields["site"], fields.get("count", 1)
        if not isinstance(site, str) or site not in sites:
            raise ContractError(f"{place}: site: expected one of {', '.join(sites)}, found {site!r:.60}")
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_DEVICES:
            raise ContractError(
                f"{place}: count: expected a whole number from 1 to {MOST_DEVICES}, found {count!r:.60}"
            )
        tflops = _number(fields["tflops"], (1e-3, 1e6), f"{place}: tflops")
        memory = _number(fields["memory_gb"], (0.1, 1e5), f"{place}: memory_gb")
        devices += [(site, tflops, memory)] * count
    if not 2 <= len(devices) <= MOST_DEVICES:
        raise ContractError(f"{where}: expected 2 to {MOST_DEVICES} devices, found {len(devices)}")
    return devices


def _matrix(value: object, size: int, limits: tuple[float, float], where: str) -> Floats:
    rows = _list(value, where)
    if len(rows) != size:
        raise ContractError(f"{where}: expected a row for each of {size} sites, found {len(rows)}")
    numbers = []
    for number, row in enumerate(rows):
        cells = _list(row, f"{where}: row {number}")
        if len(cells) != size:
            raise ContractError(f"{where}: row {number}: expected {size} numbers, found {len(cells)}")
        numbers.append([_number(cell, limits, f"{where}: row {number}") for cell in cells])
    return np.array(numbers)


def _object(value: object, known: frozenset[str], needed: frozenset[str], where: str) -> Mapping[str, object]:
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


def _number(value: object, limits: tuple[float, float], where: str) -> float:
    low, high = limits
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ContractError(f"{where}: expected a number from {low:g} to {high:g}, found {value!r:.60}")
    return float(value)
