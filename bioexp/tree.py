"""Nested dicts of arrays, seen as flat paths: {"layers": {"0": {"w": w}}} is {"layers/0/w": w}.

The names in weights.npz, in `learning_rate: {layers/0: 1.0}` and in `project:` are these paths.
"""

from collections.abc import Callable, Mapping
from typing import Any


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"layers": {"0": {"w": w}}} -> {"layers/0/w": w}."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        flat |= flatten(value, f"{path}/") if isinstance(value, Mapping) else {path: value}
    return flat


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of flatten."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return tree


def covers(prefix: str, path: str) -> bool:
    """Whether `prefix` names `path` itself or a node above it; "layers/1" does not cover
    "layers/10/w".
    """
    return path == prefix or path.startswith(f"{prefix}/")


def map_paths(function: Callable[[str, Any], Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree with function(path, leaf) in place of every leaf."""
    return unflatten({path: function(path, leaf) for path, leaf in flatten(tree).items()})
