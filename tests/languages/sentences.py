"""The sentences that the program may say while it is used: what goes wrong, and what a transfer is doing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("checkpoints", "gan", "style")
SAY = {
    "CheckpointError": 0,
    "GanError": 0,
    "StyleError": 0,
    "UnreachableError": 0,
    "_BombError": 0,
    "Step": 1,
    "_unknown": 1,
}
# What only the command line, Python or the API for programs says, which speak English.
NOT_ON_THE_PAGE = re.compile(
    r".*/(__main__|command\w*|tab_api\w*|deploy|crew|sources|static_page|classifier|watching|evaluate|folder|output"
    r"|effects)\.py"
)
PLACE = re.compile(r"\{\w*\}")

Functions = dict[str, ast.FunctionDef]
Constants = dict[str, ast.expr]


def sentences() -> dict[str, str]:
    """English text -> where it stands; a `{}` is what the text is made with, as in a dictionary."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            if not NOT_ON_THE_PAGE.fullmatch(place):
                found |= dict.fromkeys(said_in(path.read_text(encoding="utf-8")), place)
    return found


def said_in(source: str) -> Iterator[str]:
    """The texts that a module gives to one of `SAY`, itself, by a name or by a function of its own."""
    tree = ast.parse(source)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    constants = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            said_by = node.func.body if isinstance(node.func, ast.IfExp) else node.func
            place = SAY.get(getattr(said_by, "id", None) or getattr(said_by, "attr", ""))
            if place is not None and len(node.args) > place:
                yield from texts(node.args[place], functions, constants)


def texts(node: ast.expr, functions: Functions, constants: Constants) -> Iterator[str]:
    """All that an expression may become, as far as it is written down in the module."""
    match node:
        case ast.Constant(value=str(text)):
            yield PLACE.sub("{}", text)
        case ast.JoinedStr(values=values):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
        case ast.BinOp(left=left, right=right):
            for first in texts(left, functions, constants):
                yield from (first + second for second in texts(right, functions, constants))
        case ast.IfExp(body=body, orelse=orelse):
            yield from texts(body, functions, constants)
            yield from texts(orelse, functions, constants)
        case ast.Name(id=name) if name in constants:
            yield from texts(constants[name], functions, {k: v for k, v in constants.items() if k != name})
        case ast.Subscript(value=ast.Name(id=name)) if isinstance(constants.get(name), ast.Dict):
            table = constants[name]
            assert isinstance(table, ast.Dict)
            for value in table.values:
                yield from texts(value, functions, constants)
        case ast.Call(func=ast.Attribute(value=value, attr="format" | "rstrip")):
            yield from texts(value, functions, constants)
        case ast.Call(func=ast.Name(id=name)) if name in functions:
            others = {k: v for k, v in functions.items() if k != name}
            for inner in ast.walk(functions[name]):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield from texts(inner.value, others, constants)
