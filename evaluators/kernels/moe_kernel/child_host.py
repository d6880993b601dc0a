"""Runs in the sandboxed child in a program's place: plays its plan in Triton's interpreter, or compiles it to PTX.

It is loaded as text behind `child_plan.py`, so it imports nothing of ours; trusted code also runs it in-process, for
the naive kernels. What it checks is the contract with an honest author. Nothing is trusted because of it: the worker
checks all that it uses.

The program is loaded once for each of the two ways, since `triton.jit` makes another object for the interpreter.
"""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import triton
import triton.experimental.gluon.language  # Triton imports it late, when names may be the interpreter's
from triton.backends.compiler import GPUTarget, Language
from triton.compiler import ASTSource, CompilationError, make_backend
from triton.runtime.errors import InterpreterError
from triton.runtime.interpreter import InterpretedFunction
from triton.runtime.jit import JITFunction

if TYPE_CHECKING:  # in a child these names stand above, in the same module
    from evaluators.kernels.moe_kernel.child_plan import (
        BYTES_OF,
        MOST_LAUNCHES,
        Breach,
        Launch,
        Shape,
        called,
        load_program,
        read_launch,
        read_scratch,
    )

PROGRAM = ""  # the program as text; set in a line behind this file
FAULT_BYTES = 400
GUARD = 256  # elements before and behind each buffer in the interpreter
PTX_VERSION = 86  # named, so that Triton need not start ptxas to ask; CUDA 12.7 and later assemble it
POINTERS = {"float32": "*fp32", "float16": "*fp16", "bfloat16": "*bf16", "int32": "*i32"}
TORCH_DTYPES = {name: vars(torch)[name] for name in BYTES_OF}


# --- what the worker calls ---


def play(shape: Mapping[str, Any], inputs: Mapping[str, Any], outputs: Any) -> dict[str, Any]:
    """The outputs of the plan on `inputs`, as raw bytes; `outputs` lists name, shape and dtype of each."""
    return _told(lambda: HOST.play(Shape(**shape), inputs, outputs))


def size_of_compiled(shape: Mapping[str, Any], dtypes: Mapping[str, str]) -> dict[str, Any]:
    """How many bytes the compiled plan has; `dtypes` are those of the stage's buffers."""
    return _told(lambda: {"size": np.int64(len(HOST.compiled(Shape(**shape), dtypes)))})


def compiled(shape: Mapping[str, Any], dtypes: Mapping[str, str]) -> Any:
    """The compiled plan, a JSON text."""
    return np.frombuffer(HOST.compiled(Shape(**shape), dtypes), np.uint8)


class Host:
    """The program, loaded for the compiler, for the interpreter, or for both."""

    def __init__(self) -> None:
        self._loaded: dict[bool, dict[str, Any]] = {}
        self._compiled: dict[str, bytes] = {}
        self._vocabulary = Vocabulary()

    def _names(self, interpreted: bool) -> dict[str, Any]:
        self._speak(interpreted)
        if interpreted not in self._loaded:
            self._loaded[interpreted] = load_program(PROGRAM)
        return self._loaded[interpreted]

    def _speak(self, interpreted: bool) -> None:
        triton.knobs.runtime.interpret = interpreted
        triton.knobs.compilation.disable_line_info = True  # PTX says what runs, not where it was written
        self._vocabulary.speak(interpreted)

    def _planned(self, shape: Shape, known: Mapping[str, str]) -> tuple[list[Launch], dict[str, Any]]:
        """The launches and the scratch buffers; `known` are the stage's buffers."""
        names = self._names(shape.interpreted)
        scratch = read_scratch(called(names, "scratch", shape) if "scratch" in names else {}, known)
        listed = called(names, "plan", shape)
        if not isinstance(listed, Sequence) or not 1 <= len(listed) <= MOST_LAUNCHES:
            raise Breach(f"plan must return a list of 1 to {MOST_LAUNCHES} launches")
        kind = InterpretedFunction if shape.interpreted else JITFunction
        return [read_launch(launch, kind, {*known, *scratch}) for launch in listed], scratch

    def play(self, shape: Shape, inputs: Mapping[str, Any], outputs: Any) -> dict[str, Any]:
        """See the function."""
        known = {**{name: array.dtype.name for name, array in inputs.items()}, **{n: d for n, _, d in outputs}}
        launches, scratch = self._planned(shape, known)
        buffers = {name: Buffer.holding(array) for name, array in inputs.items()}
        buffers |= {name: Buffer.poisoned(size, dtype) for name, size, dtype in outputs}
        buffers |= {name: Buffer.poisoned(size, dtype) for name, (size, dtype) in scratch.items()}
        try:
            for launch in launches:
                values = {name: buffers[v].view if kind == "buffer" else v for name, (kind, v) in launch.arguments}
                launch.kernel[launch.grid](**values, **launch.constexprs)
        finally:
            self._speak(interpreted=False)
        for name, buffer in buffers.items():
            if not buffer.guards_stand():
                raise Breach(f"a kernel wrote outside of the buffer {name!r}: mask its stores")
            if name in inputs and not np.array_equal(buffer.view.numpy(), inputs[name]):
                raise Breach(f"a kernel changed the input {name!r}")
        return {name: buffers[name].raw_bytes() for name, _, _ in outputs}

    def compiled(self, shape: Shape, dtypes: Mapping[str, str]) -> bytes:
        """See the function; kept, since several instances ask for the same."""
        key = repr((shape, sorted(dtypes.items())))
        if key not in self._compiled:
            self._compiled[key] = self._compile(shape, dtypes)
        return self._compiled[key]

    def _compile(self, shape: Shape, dtypes: Mapping[str, str]) -> bytes:
        launches, scratch = self._planned(shape, dtypes)
        types_of = {**dtypes, **{name: dtype for name, (_, dtype) in scratch.items()}}
        kernels: list[dict[str, Any]] = []
        described = []
        for launch in launches:
            kernel = _to_ptx(launch, types_of)
            if kernel not in kernels:
                kernels.append(kernel)
            described.append({
                "kernel": kernels.index(kernel),
                "grid": launch.grid,
                "arguments": [{"kind": kind, "value": value} for _, (kind, value) in launch.arguments],
            })  # fmt: skip
        buffers = [{"name": name, "size": size, "dtype": dtype} for name, (size, dtype) in scratch.items()]
        return json.dumps({"kernels": kernels, "launches": described, "scratch": buffers}).encode()


# --- the interpreter's buffers and language ---


class Buffer:
    """A tensor with guards on both sides; what is not written stays poison."""

    def __init__(self, view_shape: Sequence[int], dtype: torch.dtype) -> None:
        size = math.prod(view_shape)
        self._poison = float("nan") if dtype.is_floating_point else -1
        self._whole = torch.full((size + 2 * GUARD,), self._poison, dtype=dtype)
        self.view = self._whole[GUARD : GUARD + size].reshape(tuple(view_shape))

    @classmethod
    def holding(cls, array: Any) -> "Buffer":
        """A copy of an input."""
        tensor = torch.from_numpy(np.array(array))
        buffer = cls(tensor.shape, tensor.dtype)
        buffer.view.copy_(tensor)
        return buffer

    @classmethod
    def poisoned(cls, size: Sequence[int], dtype: str) -> "Buffer":
        """An output or scratch, nothing of it written."""
        return cls(size, TORCH_DTYPES[dtype])

    def guards_stand(self) -> bool:
        """Whether nothing was written beside the buffer."""
        guards = torch.cat([self._whole[:GUARD], self._whole[-GUARD:]])
        return bool((guards.isnan() if guards.is_floating_point() else guards == self._poison).all())

    def raw_bytes(self) -> Any:
        """The bytes of the buffer."""
        return np.frombuffer(self.view.numpy().tobytes(), np.uint8)


class Vocabulary:
    """Triton's names as the compiler wants them and as the interpreter does.

    The kernels of Triton's own, such as `tl.sum`, exist for one of the two only, and the interpreter leaves some names
    of the language changed behind it: both are set right here, at every change between the two.
    """

    def __init__(self) -> None:
        modules = [module for name, module in sys.modules.items() if name.startswith("triton.language")]
        classes = [found for found in vars(triton.language.core).values() if isinstance(found, type)]
        self._names = [(owner, dict(vars(owner))) for owner in (*modules, *classes)]
        self._twins: dict[int, Any] = {}

    def speak(self, interpreted: bool) -> None:
        """Set every name."""
        for owner, names in self._names:
            if isinstance(owner, type):  # what the interpreter adds to modules it looks for again
                for added in vars(owner).keys() - names.keys():
                    delattr(owner, added)
            for name, value in names.items():
                wanted = self._twin(value, owner) if interpreted and isinstance(value, JITFunction) else value
                if vars(owner)[name] is not wanted:
                    setattr(owner, name, wanted)

    def _twin(self, found: Any, owner: Any) -> Any:
        """The interpreter's form of one of Triton's own kernels; one for all modules that know it."""
        if id(found) not in self._twins:
            self._twins[id(found)] = InterpretedFunction(found.fn)
        twin = self._twins[id(found)]
        return (lambda tensor, *rest, **more: twin(tensor, *rest, **more)) if isinstance(owner, type) else twin


# --- the compiler ---


def _to_ptx(launch: Launch, types_of: Mapping[str, str]) -> dict[str, Any]:
    """The kernel as PTX for compute capability 9.0, without ptxas and without any file."""
    target = GPUTarget("cuda", 90, 32)
    backend = make_backend(target)
    asked = {"num_warps": launch.num_warps, "num_stages": launch.num_stages, "ptx_version": PTX_VERSION}
    options = backend.parse_options(asked)
    stages: dict[str, Callable[[Any, Any], Any]] = {}
    backend.add_stages(stages, options, Language.TRITON)
    context = triton._C.libtriton.ir.context()
    triton._C.libtriton.ir.load_dialects(context)
    backend.load_dialects(context)
    functions, modules = backend.get_codegen_implementation(options), backend.get_module_map()
    module = _source(launch, types_of).make_ir(target, options, functions, modules, context)
    found: dict[str, Any] = {"num_warps": launch.num_warps}
    for stage in ("ttir", "ttgir", "llir", "ptx"):
        module = stages[stage](module, found)
    if found["profile_scratch_size"]:
        raise Breach("a kernel may not be profiled from within")
    return {
        "ptx": module,
        "name": found["name"],
        "num_warps": found["num_warps"],
        "shared_bytes": int(found["shared"] or 0),
        "scratch_bytes": int(found["global_scratch_size"] or 0),
    }


def _source(launch: Launch, types_of: Mapping[str, str]) -> ASTSource:
    signature = dict.fromkeys(launch.kernel.arg_names, "constexpr")
    attributes = {}
    for name, (kind, value) in launch.arguments:
        signature[name] = POINTERS[types_of[value]] if kind == "buffer" else kind
        if kind == "buffer" or (kind != "fp32" and value % 16 == 0):  # as Triton itself specialises
            attributes[(launch.kernel.arg_names.index(name),)] = [["tt.divisibility", 16]]
    return ASTSource(launch.kernel, signature, dict(launch.constexprs), attributes)


def _told(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return work()
    except (Breach, CompilationError, InterpreterError) as error:
        kind = "" if isinstance(error, Breach) else f"{type(error).__name__}: "
        text = f"{kind}{error}".encode("ascii", "replace")[:FAULT_BYTES]
        return {"fault": np.frombuffer(text.ljust(FAULT_BYTES, b"\0"), np.uint8)}


HOST = Host()
