"""Shops from a user's file, public benchmarks among them: JSON or the lines of OR-Library, gzipped or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evaluators.contract import ContractError
from evaluators.parameters import file_path
from evaluators.scheduling.job_shop.shop import Ints, Shop, make_shop
from evaluators.user_file import parsed_json, read_text

MOST_BYTES = 64 << 20
MOST_INSTANCES = 1000


@dataclass(frozen=True, slots=True)
class NamedShop:
    """One instance of a file."""

    name: str
    shop: Shop
    best_known: int | None  # makespan, where the file names one


@lru_cache(maxsize=2)
def read_instances(value: str) -> tuple[NamedShop, ...]:
    """The shops in a file parameter's value.

    JSON is ``{name: {"d": durations [J][M], "m": machines [J][M], "ub": best known makespan or absent}}``; any other
    text is read as OR-Library's form: a line ``J M``, then per job M pairs of machine and duration. Machines count
    from 0, or from 1 where none is 0.

    Raises:
        ContractError: Not such a file, or an instance that is no job shop; says which.
    """
    path = file_path(value)
    where = f"instances {path}"
    text = read_text(path, where, "JSON or lines of whole numbers", MOST_BYTES)
    shops = _from_json(text, where) if text.lstrip().startswith(("{", "[")) else (_from_lines(text, path.stem, where),)
    if not shops or len(shops) > MOST_INSTANCES:
        raise ContractError(f"{where}: expected 1 to {MOST_INSTANCES} instances, found {len(shops)}")
    return shops


def _from_json(text: str, where: str) -> tuple[NamedShop, ...]:
    content = parsed_json(text, where)
    if not isinstance(content, dict):
        raise ContractError(f"{where}: expected an object of instances by name, found {type(content).__name__}")
    return tuple(_named(name, entry, f"{where}: {name}") for name, entry in content.items())


def _named(name: str, entry: object, where: str) -> NamedShop:
    if not isinstance(entry, Mapping) or not {"d", "m"} <= entry.keys():
        raise ContractError(f'{where}: expected an object with "d" (durations) and "m" (machines)')
    shop = make_shop(_from_zero(_integers(entry["m"], f'{where}: "m"')), _integers(entry["d"], f'{where}: "d"'), where)
    best_known = entry.get("ub")
    if best_known is not None and (not isinstance(best_known, int) or best_known < 1):
        raise ContractError(f'{where}: expected a positive whole number as "ub", found {best_known!r}')
    return NamedShop(name, shop, best_known)


def _integers(rows: object, where: str) -> Ints:
    """``(J, M)`` from nested lists."""
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not all(isinstance(row, list) for row in rows):
        raise ContractError(f"{where}: expected whole numbers [jobs][machines]")
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise ContractError(f"{where}: expected jobs with equally many operations, found {lengths}")
    if not all(type(value) is int and abs(value) < 2**31 for row in rows for value in row):
        raise ContractError(f"{where}: expected whole numbers below 2^31")
    return np.array(rows, dtype=np.int64).reshape(len(rows), lengths[0] if lengths else 0)


def _from_lines(text: str, name: str, where: str) -> NamedShop:
    words = text.split()
    try:
        numbers = [int(word) for word in words]
    except ValueError as error:
        raise ContractError(f"{where}: expected JSON, or lines of whole numbers: {error!s:.120}") from error
    if len(numbers) < 2 or min(numbers) < 0 or len(numbers) != 2 + 2 * numbers[0] * numbers[1]:
        expected = f"J M and then J * M pairs of machine and duration ({numbers[:2]} in the first line)"
        raise ContractError(f"{where}: expected {expected}, found {len(numbers)} numbers")
    if max(numbers) >= 2**31:
        raise ContractError(f"{where}: expected whole numbers below 2^31, found {max(numbers)}")
    pairs = np.array(numbers[2:], dtype=np.int64).reshape(numbers[0], numbers[1], 2)
    return NamedShop(name, make_shop(_from_zero(pairs[:, :, 0]), pairs[:, :, 1], where), None)


def _from_zero(machines_JM: Ints) -> Ints:
    return machines_JM - 1 if machines_JM.size and machines_JM.min() == 1 else machines_JM
