"""Which files a program may read: the standard library and the libraries its task names, never the harness."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
PROCESSOR = ("/proc/cpuinfo", "/sys/devices/system/cpu")  # torch chooses its kernels by them
_OTHER_PEOPLES = frozenset({"site-packages", "dist-packages"})
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
    companions = [name for library in libraries for name in COMPANIONS.get(library, ())]
    packages = [path for name in [*libraries, *_loaded_packages(), *companions] for path in _package_paths(name)]
    return [path for path in dict.fromkeys([*_standard_library(), *packages]) if os.path.exists(path)]


def _standard_library() -> list[str]:
    """Entry by entry, because other people's packages may lie in the same directory."""
    paths = [path for path in sys.path if path.endswith(".zip")]
    for key in ("stdlib", "platstdlib"):
        with os.scandir(sysconfig.get_path(key)) as entries:
            paths += [entry.path for entry in entries if entry.name not in _OTHER_PEOPLES]
    return paths


def _package_paths(name: str) -> list[str]:
    """A package and the shared objects that its wheel brought along, or a module's file."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return []
    if not spec.submodule_search_locations:
        return [spec.origin]
    directory = Path(spec.origin).parent
    return [str(directory), str(directory.parent / f"{name}.libs")]


def _loaded_packages() -> list[str]:
    """Third-party packages that the libraries loaded, by name."""
    tops = {name: module for name, module in list(sys.modules.items()) if "." not in name and name not in _HARNESS}
    return [name for name, module in tops.items() if not _OTHER_PEOPLES.isdisjoint(_origin(module).parts)]


def _origin(module: ModuleType) -> Path:
    return Path(vars(module).get("__file__") or "built-in")
