"""A library that stands in for libcuda: it only listens."""

from __future__ import annotations


class Listener:
    """Stands in for libcuda."""

    def __init__(self, fails: str = "") -> None:
        self.calls: list[tuple[str, tuple[object, ...]]] = []
        self._fails = fails

    def _heard(self, name: str, *arguments: object) -> int:
        self.calls.append((name, arguments))
        return 700 if name == self._fails else 0

    def cuModuleLoadData(self, module: object, image: bytes) -> int:  # noqa: N802
        return self._heard("load", image)

    def cuModuleUnload(self, module: object) -> int:  # noqa: N802
        return self._heard("unload")

    def cuModuleGetFunction(self, function: object, module: object, name: bytes) -> int:  # noqa: N802
        return self._heard("function", name)

    def cuFuncSetAttribute(self, function: object, attribute: int, value: int) -> int:  # noqa: N802
        return self._heard("attribute", attribute, value)

    def cuLaunchKernel(self, function: object, *arguments: object) -> int:  # noqa: N802
        return self._heard("launch", *arguments)

    def cuGetErrorName(self, error: int, name: object) -> int:  # noqa: N802
        return 0
