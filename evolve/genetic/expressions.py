"""Operators on expressions: names, arithmetic, and what is wrapped around or taken off a value."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from evolve.genetic.calls import called_name, family_of
from evolve.genetic.chance import pick, pick_weighted
from evolve.genetic.constants import number_of
from evolve.genetic.kinds import Kind, kind_of
from evolve.genetic.parts import Site
from evolve.genetic.program import Change, Edit, Program, put_expression

ARITHMETIC: Mapping[str, tuple[str, ...]] = {  # operator -> what it may become
    "+": ("-", "*"),
    "-": ("+", "*"),
    "*": ("/", "+"),
    "/": ("*", "-"),
    "//": ("*", "%"),
    "%": ("//",),
    "**": ("*",),
    "&": ("|",),
    "|": ("&",),
}
_SYMBOLS: Mapping[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
}

_NUMBER_WRAPPERS = ("{c} * {x}", "{x} + {c}", "max({x}, {c})", "min({x}, {c})")
WRAPPERS: Mapping[Kind, Sequence[str]] = {  # x stands for the value, c for a new constant
    Kind.ARRAY: (
        "{c} * {x}",
        "{x} + {c}",
        "{x} ** {c}",
        "np.maximum({x}, {c})",
        "np.minimum({x}, {c})",
        "np.sqrt(np.abs({x}))",
        "np.log1p(np.abs({x}))",
        "{x} + {c} * np.mean({x})",
        "{x} + {c} * np.std({x})",
    ),
    Kind.NUMBER: _NUMBER_WRAPPERS,
    Kind.COUNT: (*_NUMBER_WRAPPERS, "{x} // {c}", "{x} - {c}"),
}
BLENDS: Mapping[Kind, Sequence[str]] = {  # y stands for another variable
    Kind.ARRAY: (
        "0.5 * {x} + 0.5 * {y}",
        "np.maximum({x}, {y})",
        "np.minimum({x}, {y})",
        "{x} + 0.1 * {y}",
        "{x} * {y}",
    ),
    Kind.NUMBER: ("0.5 * {x} + 0.5 * {y}", "max({x}, {y})", "min({x}, {y})", "{x} - {y}", "{x} * {y}"),
    Kind.COUNT: ("max({x}, {y})", "min({x}, {y})", "{x} - {y}", "{x} + {y}"),
}
_FACTORS = (0.25, 0.5, 0.8, 0.9, 1.1, 1.25, 2.0)
_WHOLE_FACTORS = (1, 2, 3, 4)
SETTING_WEIGHT = 30.0  # a name that sets a named constant (``MODE = FAST``), relative to one in a function


def flip_flag(program: Program, rng: np.random.Generator) -> Change | None:
    """True becomes False, or the other way round."""
    flags = [
        site for site in program.sites if isinstance(site.node, ast.Constant) and isinstance(site.node.value, bool)
    ]
    if not flags:
        return None
    site = pick(flags, rng)
    old = program.text(site.node)
    return _one_change(program, site, "False" if old == "True" else "True")


def exchange_name(program: Program, rng: np.random.Generator) -> Change | None:
    """A variable becomes another of the same kind that is bound there; siblings of an enumeration come first."""
    sites = [site for site in program.sites if _is_variable(site)]
    for _ in range(4 if sites else 0):
        site = pick_weighted(sites, [SETTING_WEIGHT if site.function is None else 1.0 for site in sites], rng)
        name = program.text(site.node)
        kind = program.kinds(site.function).get(name, Kind.UNKNOWN)
        others = [other for other in program.alike_names(site, site.node, kind) if other != name]
        if others:
            nearness = _nearness(program, site, name)
            return _one_change(program, site, pick_weighted(others, [nearness(other) for other in others], rng))
    return None


def _nearness(program: Program, site: Site, name: str) -> Callable[[str], float]:
    """How apt a name is in the place of `name`: values of one enumeration first, then locals, then constants."""
    enumerations = _enumerations(program)
    local = frozenset(program.local_names(site))

    def nearness(other: str) -> float:
        if enumerations.get(other) != enumerations.get(name):
            return 0.05
        return 8.0 if name in enumerations else 3.0 if other in local else 1.0

    return nearness


def swap_operator(program: Program, rng: np.random.Generator) -> Change | None:
    """An arithmetic operator becomes another."""
    sites = [site for site in program.sites if _symbol_of(site.node) in ARITHMETIC]
    if not sites:
        return None
    site = pick(sites, rng)
    old = _symbol_of(site.node)
    new = pick(ARITHMETIC[old], rng)
    match site.node:
        case ast.BinOp(left=left, right=right):
            return replace_between(program, site, left, right, old, new)
        case ast.AugAssign(target=target, value=value):
            return replace_between(program, site, target, value, f"{old}=", f"{new}=")
        case _:
            return None


def replace_between(program: Program, site: Site, left: ast.expr, right: ast.expr, old: str, new: str) -> Change | None:
    """Replace the one operator between two operands; parentheses and line breaks around it stay."""
    start, end = program.span(left)[1], program.span(right)[0]
    gap = program.data[start:end].decode()
    if "#" in gap or gap.count(old) != 1:
        return None
    place = start + len(gap[: gap.index(old)].encode())
    return Change((Edit(place, place + len(old), new),), f"{old} -> {new} ({site.place})")


def toggle_sign(program: Program, rng: np.random.Generator) -> Change | None:
    """A value is negated, or no longer: what was sorted up is sorted down."""
    sites = [site for site in program.sites if _is_negation(site.node) or is_value(program, site, (Kind.ARRAY,))]
    if not sites:
        return None
    site = pick_weighted(sites, [4.0 if _is_negation(site.node) else 1.0 for site in sites], rng)
    match site.node:
        case ast.UnaryOp(operand=operand):
            return _one_change(program, site, program.text(operand))
        case _:
            return _one_change(program, site, f"-{operand_text(program, site)}")


def wrap_value(program: Program, rng: np.random.Generator) -> Change | None:
    """A value is scaled, shifted, bounded or bent; the new constant can be tuned later."""
    sites = [site for site in program.sites if is_value(program, site, tuple(WRAPPERS))]
    if not sites:
        return None
    site = pick(sites, rng)
    kind = _kind_at(program, site)
    factor = pick(_WHOLE_FACTORS, rng) if kind is Kind.COUNT else pick(_FACTORS, rng)
    return _from_template(program, site, pick(WRAPPERS[kind], rng), repr(factor), "")


def blend_values(program: Program, rng: np.random.Generator) -> Change | None:
    """A value is combined with a variable of the same kind."""
    sites = [site for site in program.sites if is_value(program, site, tuple(WRAPPERS))]
    if not sites:
        return None
    site = pick(sites, rng)
    kind = _kind_at(program, site)
    own = program.text(site.node)
    partners = [name for name in program.alike_names(site, site.node, kind) if name != own]
    if not partners:
        return None
    return _from_template(program, site, pick(BLENDS[kind], rng), "", pick(partners, rng))


def unwrap_value(program: Program, rng: np.random.Generator) -> Change | None:
    """An operation is taken away: one of its operands stays."""
    sites = [(site, parts) for site in program.sites if (parts := _parts_of(site.node))]
    if not sites:
        return None
    site, parts = pick(sites, rng)
    return _one_change(program, site, one_line(program.text(pick(parts, rng))))


def is_value(program: Program, site: Site, kinds: Sequence[Kind]) -> bool:
    """Whether an expression of one of these kinds stands where any number would do: not in a subscript or a size."""
    match site.node:
        case ast.Name(ctx=ast.Load()) | ast.Call() | ast.Subscript(ctx=ast.Load()) | ast.BinOp():
            pass
        case _:
            return False
    match site.parent:
        case ast.Assign() | ast.AugAssign() | ast.Return() | ast.BinOp() | ast.Compare() | ast.UnaryOp():
            return site.function is not None and _kind_at(program, site) in kinds
        case ast.Call(func=ast.Attribute()) if site.field == "args":
            return Kind.ARRAY in kinds and _kind_at(program, site) is Kind.ARRAY
        case _:
            return False


def operand_text(program: Program, site: Site) -> str:
    """The text of an expression as an operand of something new: on one line, in parentheses if need be."""
    text = one_line(program.text(site.node))
    match site.node:
        case ast.Name() | ast.Call() | ast.Subscript() | ast.Attribute() | ast.Constant():
            return text
        case _:
            return f"({text})"


def one_line(text: str) -> str:
    """An expression without line breaks."""
    return ast.unparse(ast.parse(f"({text}\n)", mode="eval")) if "\n" in text else text


def _one_change(program: Program, site: Site, text: str) -> Change:
    old = _shortened(program.text(site.node))
    return Change((put_expression(program, site, text),), f"{old} -> {_shortened(text)} ({site.place})")


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else f"{flat[:57]}..."


def _from_template(program: Program, site: Site, template: str, factor: str, partner: str) -> Change | None:
    if "np." in template and "np" not in program.scopes.module_names:
        return None
    inner = one_line(program.text(site.node)) if template.count("{x}") == 1 and "({x}" in template else None
    text = template.format(x=inner or operand_text(program, site), c=factor, y=partner)
    return _one_change(program, site, text)


def _kind_at(program: Program, site: Site) -> Kind:
    return kind_of(site.node, program.kinds(site.function)) if isinstance(site.node, ast.expr) else Kind.UNKNOWN


def _is_variable(site: Site) -> bool:
    """A name that is read, and not called."""
    called = isinstance(site.parent, ast.Call) and site.field == "func"
    owner = isinstance(site.parent, ast.Attribute)
    return isinstance(site.node, ast.Name) and isinstance(site.node.ctx, ast.Load) and not called and not owner


def _enumerations(program: Program) -> dict[str, int]:
    """Names that are assigned together at module level (``RED, GREEN = 0, 1``), and the line where."""
    found: dict[str, int] = {}
    for statement in program.tree.body:
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=parts)], lineno=line):
                found.update((part.id, line) for part in parts if isinstance(part, ast.Name))
            case _:
                pass
    return found


def _symbol_of(node: ast.AST) -> str:
    match node:
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator):
            return _SYMBOLS.get(type(operator), "")
        case _:
            return ""


def _is_negation(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and number_of(node) is None


def _parts_of(node: ast.AST) -> list[ast.expr]:
    """What could stay of an operation."""
    match node:
        case ast.BinOp(op=ast.MatMult() | ast.Mod()):
            return []
        case ast.BinOp(left=left, right=right):
            return [part for part in (left, right) if number_of(part) is None]
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np")), args=[first]) if not node.keywords:
            return [first] if family_of(called_name(node)) and not isinstance(first, ast.Tuple | ast.List) else []
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="maximum" | "minimum"), args=[first, _]):
            return [first]
        case ast.Call(func=ast.Name(id="max" | "min" | "int" | "abs"), args=[first, *_]):
            return [first]
        case _:
            return []
