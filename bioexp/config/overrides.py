"""Changes to a config before it is checked: `--set a.b=value`, and the combinations of its axes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from copy import deepcopy
from itertools import product
from math import prod
from typing import Any, NamedTuple

from bioexp.config import strict_yaml
from bioexp.config.lookup import TABLES
from bioexp.options import short
from bioexp.types import UserError

KeyPath = tuple[str | int, ...]


class Change(NamedTuple):
    """A key, its value as YAML, and the words of the command line that ask for it."""

    key: str
    text: str
    where: str


def put_change(data: dict[str, Any], places: dict[KeyPath, str], change: str | Change) -> None:
    """Apply one change; a text is one of `--set`, KEY=VALUE."""
    dotted, text, where = _of_set(change) if isinstance(change, str) else change
    value = strict_yaml.parse(text, where)[0] if text.strip() else None
    _put(data, places, dotted, value, where)


def _of_set(text: str) -> Change:
    key, equals, value = text.partition("=")
    where = f"--set {short(text)}"
    if not equals or not key:
        raise UserError(f"{where}: must be KEY=VALUE, such as stages.0.batch_size=64")
    return Change(key, value, where)


def _path(dotted: str, where: str) -> KeyPath:
    """The keys of stages.0.steps, or of stages[0].steps as messages write it."""
    parts = re.sub(r"\[(\d+)\]", r".\1", dotted).split(".")
    if not all(parts) or any(set("[]") & set(part) for part in parts):
        raise UserError(f"{where}: {dotted!r} is no key, such as stages.0.steps or stages[0].steps")
    return tuple(int(part) if re.fullmatch(r"\d{1,9}", part) else part for part in parts)


def _put(
    data: dict[str, Any], places: dict[KeyPath, str], dotted: str, value: Any, where: str
) -> None:
    """Put a value at its path, and its place. Another `name` for a dataset, rule, … replaces the
    whole of it: the old options are not its own.
    """
    *parents, last = _path(dotted, where)
    if last == "name" and parents and parents[-1] in TABLES:
        value, last = {"name": value}, parents.pop()
    node: Any = data
    path: KeyPath = ()
    for depth, part in enumerate(parents):
        child = _child(node, part, f"{where}: {dotted}")
        if isinstance(child, str) and part in TABLES:
            child = {"name": child}
        elif child is None:
            child = {}
        elif not isinstance(child, dict | list):
            raise UserError(
                f"{where}: {'.'.join(map(str, parents[: depth + 1]))} is {child!r} and has nothing"
                " below it"
            )
        path = (*path, _key(node, part))
        node[path[-1]] = child
        node = child
    _child(node, last, f"{where}: {dotted}")
    path = (*path, _key(node, last))
    node[path[-1]] = value
    for old in [old for old in places if old[: len(path)] == path]:
        del places[old]
    for end in range(1, len(path) + 1):
        places.setdefault(path[:end], where)


def _key(node: Any, part: str | int) -> str | int:
    """0 is the first item of a list, and "0" a key of a mapping."""
    return part if isinstance(node, list) else str(part)


def _child(node: Any, part: str | int, where: str) -> Any:
    if isinstance(node, list):
        if not isinstance(part, int) or part >= len(node):
            there = f"items are 0 to {len(node) - 1}" if node else "the list is empty"
            raise UserError(f"{where}: there is no item {part}; {there}")
        return node[part]
    return node.get(str(part))


COMBINATIONS = 1000  # of the variants of all axes
Combination = tuple[dict[str, Any], dict[KeyPath, str]]  # config, places
Variants = dict[str, dict[str, Any]]  # of one axis: what each puts at which path
VARIANT = re.compile(r"[A-Za-z0-9][\w.+-]*")


def combinations(data: dict[str, Any], places: dict[KeyPath, str]) -> Iterable[Combination]:
    """The config for each combination of its axes; a config without any is its own only one.

    Raises UserError for an axis that is none of the three forms that `_axis` reads.
    """
    axes = data.get("axes")
    if not axes:
        yield data, places
        return
    if not isinstance(axes, dict):
        raise UserError(f"{places[('axes',)]}  axes: must hold axes by name, got {axes!r}")
    read = dict(
        _axis(str(key), value, _place(places, ("axes", key))) for key, value in axes.items()
    )
    if len(read) < len(axes):
        raise UserError(
            f"{places[('axes',)]}  axes: two axes have the same name ({', '.join(read)})"
        )
    if (count := prod(map(len, read.values()))) > COMBINATIONS:
        raise UserError(
            f"{places[('axes',)]}  axes: have {count:,} combinations; at most {COMBINATIONS:,}"
        )
    for names in product(*read.values()):
        variant = dict(zip(read, names, strict=True))
        combined, where = deepcopy({**data, "axes": {}, "variant": variant}), dict(places)
        for (axis, name), key in zip(variant.items(), axes, strict=True):
            at = _place(places, ("axes", key, name))
            for path, value in read[axis][name].items():
                _put(combined, where, path, deepcopy(value), at)
        yield combined, where


def _axis(key: str, value: Any, at: str) -> tuple[str, Variants]:
    """An axis with its variants by name.

    rule: {stable: {stages.0.rule: stdp, model.descent: 0.5}, backprop: {stages.0.rule: backprop}}
        names each variant, which changes any number of keys.
    pair: {dataset.classes: [[0, 1], [0, 2]]}
        moves one key; its variants are called by their values, 0-1 and 0-2.
    stages.0.rule: [backprop, oja]
        does the same and is called by the last word of the key, rule.
    """
    if isinstance(value, list):
        words = [word for word in key.removesuffix(".name").split(".") if not word.isdecimal()]
        return words[-1] if words else key, _listed(key, key, value, at)
    if not isinstance(value, dict) or not value:
        raise UserError(
            f"{at}  axes.{key}: must be a list of values, or variants by name, got {value!r}"
        )
    if len(value) == 1:
        ((path, values),) = value.items()
        if isinstance(values, list):
            return key, _listed(key, str(path), values, at)
    for name, changes in value.items():
        if not isinstance(changes, dict) or not changes:
            raise UserError(
                f"{at}  axes.{key}.{name}: must hold the keys that this variant changes, such as "
                f"stages.0.rule: backprop, got {changes!r}"
            )
        if not VARIANT.fullmatch(str(name)):
            raise UserError(
                f"{at}  axes.{key}: a variant's name must be letters, digits and . _ + -, got "
                f"{name!r}"
            )
    return key, {str(name): changes for name, changes in value.items()}


def _listed(key: str, path: str, values: list[Any], at: str) -> Variants:
    """Variants of one key, each called by its value; by as much of it as tells them apart."""
    if "," in path:
        raise UserError(
            f"{at}  axes.{key}: a list moves one key; give each variant a name to change several, "
            "such as rule: {small: {stages.0.batch_size: 10, model.hidden: [5]}}"
        )
    if not values:
        raise UserError(f"{at}  axes.{key}: needs at least one value")
    short = [value.get("name", value) if isinstance(value, dict) else value for value in values]
    names = [_called(value) for value in short]
    if len(set(names)) < len(names):
        names = [_called(value) for value in values]
    if len(set(names)) < len(names):
        raise UserError(f"{at}  axes.{key}: has the same value twice")
    return {name: {path: value} for name, value in zip(names, values, strict=True)}


def _called(value: Any) -> str:
    """A value as a word of the shell: [0, 1] is 0-1, {name: sgd, step: 0.9} is sgd-step-0.9, and
    ./my_rule.py:oja is oja.
    """
    if isinstance(value, dict):
        name = [value["name"]] if "name" in value else []
        parts = [*name, *(part for key in value if key != "name" for part in (key, value[key]))]
        return "-".join(_called(part) for part in parts) or "none"
    if isinstance(value, list):
        return "-".join(map(_called, value)) or "none"
    word = value.rpartition(".py:")[2] if isinstance(value, str) else json.dumps(value)
    return re.sub(r"[^\w.+]+", "-", word).strip("-") or "none"


def _place(places: dict[KeyPath, str], path: KeyPath) -> str:
    """File and line of a key, or of the nearest one above it."""
    return next(places[path[:end]] for end in range(len(path), -1, -1) if path[:end] in places)
