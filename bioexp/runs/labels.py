"""Names for experiments that are seen side by side, and what their configs differ in."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bioexp.experiment import Run

LONG = 40  # characters


def labels(experiments: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """A label for each (name, config), as the command line takes it: its name, and its variant
    where it has one, "stdp_mnist/rule=stable,pair=0-1".

    Where several share that, what their configs differ in is added: "my_rule, rule oja"; no more
    than tells them all apart, and what is long comes last. Those of equal configs are numbered.
    """
    names = [_called(name, config) for name, config in experiments]
    labels = list(names)
    for name in dict.fromkeys(names):
        places = [place for place, other in enumerate(names) if other == name]
        texts = [
            [_text(key, value) for value in values]
            for key, values in differing([experiments[place][1] for place in places])
        ]
        short_first = sorted(texts, key=lambda words: max(map(len, words)) > LONG)
        numbers = [str(1 + number) for number in range(len(places))]
        for words in (*short_first, numbers):
            if len({labels[place] for place in places}) == len(places):
                break
            for place, word in zip(places, words, strict=True):
                labels[place] += f", {word}"
    return labels


def labelled(groups: Sequence[Sequence[Run]]) -> list[str]:
    """The labels of experiments, each given as its runs."""
    return labels([(runs[0].path.parent.name, _unnamed(runs[0])) for runs in groups])


def differing(configs: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Any]]]:
    """The keys, as a.b.0.c, whose values are not the same in all configs, with each one's value
    (None: not there). What a variant is called is no difference.
    """
    flat = [
        _flat({key: value for key, value in config.items() if key != "variant"})
        for config in configs
    ]
    keys = dict.fromkeys(key for values in flat for key in values)
    rows = [(key, [values.get(key) for values in flat]) for key in keys]
    return [(key, values) for key, values in rows if any(value != values[0] for value in values)]


def _called(name: str, config: Mapping[str, Any]) -> str:
    words = ",".join(f"{axis}={variant}" for axis, variant in config.get("variant", {}).items())
    return f"{name}/{words}" if words else name


def _unnamed(run: Run) -> dict[str, Any]:
    return {**run.config.model_dump(mode="json"), "name": ""}


def _text(key: str, value: Any) -> str:
    word = key.removesuffix(".name").rpartition(".")[2]
    if value is None:
        return f"no {word}"
    return f"{word} {value if isinstance(value, str) else json.dumps(value)}"


def _flat(node: Any, path: str = "") -> dict[str, Any]:
    """Nested mappings and lists of mappings as dotted paths; a list of plain values stays a single
    value.
    """
    if isinstance(node, Mapping):
        children = list(node.items())
    elif isinstance(node, list) and any(isinstance(item, Mapping | list) for item in node):
        children = list(enumerate(node))
    else:
        return {path: node}
    return {
        key: value
        for name, child in children
        for key, value in _flat(child, f"{path}.{name}" if path else str(name)).items()
    }
