"""Which files a program may read: the standard library and the libraries its task names, never the harness."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Collection, Sequence
from pathlib import Path
from types import ModuleType

DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
PROCESSOR = ("/proc/cpuinfo", "/sys/devices/system/cpu")  # torch chooses its kernels by them
_OTHER_PEOPLES = frozenset({"site-packages", "dist-packages"})
# Large, and of no use to a program: tests, headers, tools, what an interpreter is built or installed from. Every byte
# that can be read is held in memory (`page_cache`). Passed over at the top of the standard library and of packages.
_USELESS = frozenset({"test", "tests", "include", "bin", "share", "idlelib", "turtledemo", "ensurepip"})
# Libraries that a library imports only when first used.
COMPANIONS = {
    "torch": (
        *("functorch", "torchgen", "sympy", "mpmath", "networkx", "jinja2", "markupsafe", "typing_extensions"),
        "triton",  # where it is installed, torch's optimizers look at it
    ),
}


_HARNESS = frozenset({"evaluators", "seeds"})


def readable_paths(libraries: Sequence[str]) -> list[str]:
    """Files and directories that exist, each once; call it after the libraries were imported."""
    packages = [path for name in _packages(libraries) for path in _package_paths(name)]
    return [path for path in dict.fromkeys([*_standard_library(), *packages]) if os.path.exists(path)]


def listable_paths(libraries: Sequence[str]) -> list[str]:
    """Directories that may be listed, as an import does, but not read whole."""
    folders = [_package_folder(name) for name in _packages(libraries)]
    return [str(folder) for folder in dict.fromkeys(folders) if folder is not None]


def _packages(libraries: Sequence[str]) -> list[str]:
    companions = [name for library in libraries for name in COMPANIONS.get(library, ())]
    return [*libraries, *_loaded_packages(), *companions]


def _standard_library() -> list[str]:
    """Entry by entry, because other people's packages may lie in the same directory."""
    paths = [path for path in sys.path if path.endswith(".zip")]
    for key in ("stdlib", "platstdlib"):
        paths += _entries(sysconfig.get_path(key), _OTHER_PEOPLES)
    return paths


def _package_paths(name: str) -> list[str]:
    """A package and the shared objects that its wheel brought along, or a module's file."""
    folder = _package_folder(name)
    if folder is None:
        spec = importlib.util.find_spec(name)
        return [spec.origin] if spec is not None and spec.origin is not None else []
    return [*_entries(str(folder)), str(folder.parent / f"{name}.libs")]


def _package_folder(name: str) -> Path | None:
    """Where a package lies; None for a module and for what is not there."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None or not spec.submodule_search_locations:
        return None
    return Path(spec.origin).parent


def _entries(directory: str, left_out: Collection[str] = ()) -> list[str]:
    """What lies in a directory and may be of use."""
    with os.scandir(directory) as entries:
        return [entry.path for entry in entries if entry.name not in left_out and not _is_useless(entry.name)]


def _is_useless(name: str) -> bool:
    return name in _USELESS or name.startswith("config-") or name.endswith((".a", ".whl"))


def _loaded_packages() -> list[str]:
    """Third-party packages that the libraries loaded, by name."""
    tops = {name: module for name, module in list(sys.modules.items()) if "." not in name and name not in _HARNESS}
    return [name for name, module in tops.items() if not _OTHER_PEOPLES.isdisjoint(_origin(module).parts)]


def _origin(module: ModuleType) -> Path:
    return Path(vars(module).get("__file__") or "built-in")
