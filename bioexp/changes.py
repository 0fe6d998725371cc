"""Changes to a config before it is checked: `--set a.b=value`, and the combinations of its axes."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from itertools import product
from typing import Any

from bioexp import strict_yaml
from bioexp.lookup import TABLES
from bioexp.types import UserError

KeyPath = tuple[str | int, ...]


def put_change(data: dict[str, Any], places: dict[KeyPath, str], change: str) -> None:
    """Apply one `a.b=value`; the value is read as YAML."""
    dotted, equals, text = change.partition("=")
    if not equals or not dotted:
        raise UserError(f"--set {change}: must be KEY=VALUE, such as stages.0.batch_size=64")
    value = strict_yaml.parse(text, f"--set {change}")[0] if text.strip() else None
    _put(data, dotted, value, f"--set {change}")
    places[_path(dotted)] = f"--set {change}"


def _path(dotted: str) -> KeyPath:
    return tuple(int(part) if part.isdecimal() else part for part in dotted.split("."))


def _put(data: dict[str, Any], dotted: str, value: Any, where: str) -> None:
    """Put a value at its path. Another `name` for a dataset, rule, … replaces the whole of it: the old options are not its own."""
    *parents, last = _path(dotted)
    if last == "name" and parents and parents[-1] in TABLES:
        value, last = {"name": value}, parents.pop()
    node: Any = data
    for depth, part in enumerate(parents):
        child = _child(node, part, where)
        if isinstance(child, str) and part in TABLES:
            child = {"name": child}
        elif child is None:
            child = {}
        elif not isinstance(child, dict | list):
            raise UserError(f"{where}: {'.'.join(map(str, parents[: depth + 1]))} is {child!r} and has nothing below it")
        node[part] = child
        node = child
    _child(node, last, where)
    node[last] = value


def _child(node: Any, part: str | int, where: str) -> Any:
    if isinstance(node, list):
        if not isinstance(part, int) or part >= len(node):
            raise UserError(f"{where}: there is no item {part}; items are 0 to {len(node) - 1}")
        return node[part]
    return node.get(str(part))


def combinations(data: dict[str, Any], places: dict[KeyPath, str]) -> Iterable[tuple[dict[str, Any], dict[KeyPath, str]]]:
    """The config for each combination of its axes; a config without any is its own only one.

    An axis whose key is several paths, "a.b, c.d", moves them together: each of its values is a list with one for every path.
    Raises UserError where such a value is none.
    """
    axes = data.get("axes")
    if not isinstance(axes, dict) or not all(isinstance(values, list) and values for values in axes.values()):
        yield data, places
        return
    place = places[("axes",)]
    for values in product(*axes.values()):
        variant, where = deepcopy({**data, "axes": {}}), dict(places)
        for dotted, value in zip(axes, values, strict=True):
            at = places.get(("axes", dotted), place)
            for path, own in _together(dotted, value, at):
                _put(variant, path, deepcopy(own), at)
                where[_path(path)] = at
        yield variant, where


def _together(dotted: str, value: Any, at: str) -> list[tuple[str, Any]]:
    """The paths that one axis moves, each with its own value."""
    paths = [path.strip() for path in dotted.split(",")]
    if len(paths) == 1:
        return [(dotted, value)]
    if not isinstance(value, list) or len(value) != len(paths):
        raise UserError(f"{at}  axes.{dotted}: each value must be a list of {len(paths)}, one for every path, got {value!r}")
    return list(zip(paths, value, strict=True))
