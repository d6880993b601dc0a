"""Runs in the sandboxed child in a program's place: calls a public evaluator on the program it holds as text.

It is loaded as text, so it imports nothing of ours. The child can neither read the task's folder nor write a file, so
the folder's files and the program are put behind the functions that Python code opens files with. Code in C that opens
files by itself does not see them. Threads and executors run their work at once, in the calling thread: the sandbox
allows no threads.
"""

import _io
import builtins
import concurrent.futures
import importlib.abc
import importlib.machinery
import importlib.util
import io
import os
import posix
import random
import stat
import sys
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

PROGRAM = ""  # the program as text; `evaluators.adapters.hosting` sets it in a line behind this file
FOLDER = "/task"
PROGRAM_PATH = "/candidate/program.py"
NAME_BYTES = 4096
MAX_METRICS = 64


class EvaluationFailed(Exception):  # noqa: N818 - a failure of the program or of its evaluator
    """What the evaluator raised, and in which of its lines or the program's."""


class EvaluationResult:
    """Stands in for ``openevolve.evaluation_result.EvaluationResult``; artifacts are dropped."""

    def __init__(self, metrics: Mapping[str, Any] | None = None, artifacts: object = None) -> None:
        self.metrics = dict(metrics or {})
        self.artifacts = artifacts


class Files:
    """Files in memory behind `open`, `os.stat`, `os.listdir` and imports; relative paths are in the task's folder."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = {f"{FOLDER}/{name}": content for name, content in contents.items()}
        self._contents[PROGRAM_PATH] = PROGRAM.encode()
        self._open, self._open_code, self._stat, self._listdir = _io.open, _io.open_code, os.stat, os.listdir

    def install(self) -> None:
        """Put these files in front of the machine's."""
        builtins.open = io.open = _io.open = self.open
        io.open_code = _io.open_code = self.open_code
        os.stat = posix.stat = self.stat
        os.listdir = posix.listdir = self.listdir
        os.getcwd = lambda: FOLDER
        sys.meta_path.append(Modules(self))

    def path(self, name: object) -> str:
        """The absolute, normal path that a name stands for; empty for a file descriptor."""
        if not isinstance(name, str | bytes | os.PathLike):
            return ""
        return os.path.normpath(os.path.join(FOLDER, os.fsdecode(name)))

    def holds(self, path: str) -> bool:
        """Whether there is such a file."""
        return path in self._contents

    def below(self, path: str) -> list[str]:
        """What a folder holds; empty if it is none of ours."""
        inside = [known[len(path) + 1 :] for known in self._contents if known.startswith(path + "/")]
        return sorted({name.partition("/")[0] for name in inside}) if path else []

    def open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        """As the built-in; a file opened for writing is kept in memory."""
        path = self.path(file)
        writes = bool(set(mode) & set("wax+"))
        if opener is not None or not path or not (self.holds(path) or (writes and path.startswith(FOLDER))):
            return self._open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = Kept(self._contents, path) if writes else io.BytesIO(self._contents[path])
        if writes and "w" not in mode:
            raw.write(self._contents.get(path, b""))
            raw.seek(0, io.SEEK_END if "a" in mode else io.SEEK_SET)
        return raw if "b" in mode else io.TextIOWrapper(raw, encoding or "utf-8", errors, newline, write_through=True)

    def open_code(self, path: str) -> Any:
        """As `io.open_code`; what imports read source with."""
        known = self.path(path)
        return io.BytesIO(self._contents[known]) if self.holds(known) else self._open_code(path)

    def stat(self, path: Any, **options: Any) -> os.stat_result:
        """As `os.stat`, for files and folders of ours."""
        known = self.path(path)
        if self.holds(known):
            return _status(stat.S_IFREG | 0o444, len(self._contents[known]))
        if self.below(known):
            return _status(stat.S_IFDIR | 0o555, 0)
        return self._stat(path, **options)

    def listdir(self, path: Any = ".") -> list[Any]:
        """As `os.listdir`."""
        return self.below(self.path(path)) or self._listdir(path)


class Kept(io.BytesIO):
    """A file being written; its content becomes the file's when it is closed."""

    def __init__(self, contents: dict[str, bytes], path: str) -> None:
        super().__init__()
        self._contents, self._path = contents, path

    def close(self) -> None:
        """Keep what was written."""
        if not self.closed:
            self._contents[self._path] = self.getvalue()
        super().close()


class Modules(importlib.abc.MetaPathFinder):
    """Finds modules in the task's folder, where an evaluator's own folder is on the path."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module file or the package."""
        del path, target  # the folder is the only place looked at
        base = f"{FOLDER}/{fullname.replace('.', '/')}"
        if self._files.holds(f"{base}/__init__.py"):
            return importlib.util.spec_from_file_location(
                fullname, f"{base}/__init__.py", submodule_search_locations=[base]
            )
        if self._files.holds(f"{base}.py"):
            return importlib.util.spec_from_file_location(fullname, f"{base}.py")
        return None


class Inline(concurrent.futures.Executor):
    """An executor that works when it is given work; the sandbox's limits stand in for its timeouts."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "concurrent.futures.Future[Any]":
        """A future that is done."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - an executor hands on whatever its work raised
            future.set_exception(error)
        return future


class InlineThread(threading.Thread):
    """A thread that has ended when `start` returns."""

    def start(self) -> None:
        """Do the work."""
        self.run()

    def join(self, timeout: float | None = None) -> None:
        """Nothing is left to wait for."""

    def is_alive(self) -> bool:
        """Never."""
        return False


def check(files: Mapping[str, Any]) -> bool:
    """That the evaluator can be loaded and the program compiled."""
    _prepare(files, 0)
    compile(PROGRAM, PROGRAM_PATH, "exec")
    return callable(_evaluator().evaluate)


def evaluate(files: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Names and values of the numbers that the evaluator returned."""
    _prepare(files, seed)
    try:
        result = _evaluator().evaluate(PROGRAM_PATH)
    except Exception as error:
        raise EvaluationFailed(f"{type(error).__name__}: {error}{_place(error)}") from error
    metrics = result.metrics if isinstance(result, EvaluationResult) else result
    if not isinstance(metrics, Mapping):
        raise EvaluationFailed(f"evaluate() must return a dict of metrics, found {type(result).__name__}")
    return _packed({str(name): float(value) for name, value in metrics.items() if _is_number(value)})


def _prepare(files: Mapping[str, Any], seed: int) -> None:
    Files({name: bytes(content) for name, content in files.items()}).install()
    futures: Any = concurrent.futures
    futures.ThreadPoolExecutor = futures.ProcessPoolExecutor = Inline
    threading.Thread = InlineThread  # type: ignore[misc]
    package, results = types.ModuleType("openevolve"), types.ModuleType("openevolve.evaluation_result")
    package.__path__ = []
    vars(package)["EvaluationResult"] = vars(results)["EvaluationResult"] = EvaluationResult
    sys.modules.update({"openevolve": package, "openevolve.evaluation_result": results})
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - evaluators use the global generator


def _evaluator() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("evaluator", f"{FOLDER}/evaluator.py")
    if spec is None or spec.loader is None:
        raise EvaluationFailed("there is no evaluator.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["evaluator"] = module
    spec.loader.exec_module(module)
    return module


def _packed(metrics: Mapping[str, float]) -> dict[str, Any]:
    names = "\n".join(metrics).encode()
    if len(metrics) > MAX_METRICS or len(names) > NAME_BYTES:
        raise EvaluationFailed(f"evaluate() returned {len(metrics)} metrics, at most {MAX_METRICS} are carried")
    values = np.zeros(MAX_METRICS)
    values[: len(metrics)] = list(metrics.values())
    return {"names": np.frombuffer(names.ljust(NAME_BYTES, b"\0"), np.uint8), "values": values}


def _is_number(value: Any) -> bool:
    """Whether a metric can be carried: texts and the like are left out, and so is a diagnostic that is not finite."""
    try:
        return not isinstance(value, str) and bool(np.isfinite(float(value)))
    except (TypeError, ValueError, OverflowError):
        return False


def _status(mode: int, size: int) -> os.stat_result:
    return os.stat_result((mode, 0, 0, 1, 0, 0, size, 0, 0, 0))


def _place(error: BaseException) -> str:
    """The last line of the program, or else of the evaluator, on the way to the error."""
    place, step = "", error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if name == PROGRAM_PATH or name.startswith(FOLDER):
            place = f" ({os.path.basename(name)}, line {step.tb_lineno})"
        step = step.tb_next
    return place
