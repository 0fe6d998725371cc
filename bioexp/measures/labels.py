"""Names for experiments that are seen side by side."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bioexp.measures.comparison import differing
from bioexp.types import Run


def labels(experiments: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """A label for each (name, config): its name, and where several share it, what their configs differ in: "my_rule, rule oja".

    No more is said than tells them all apart.
    """
    names = [name for name, _ in experiments]
    found = list(names)
    for name in dict.fromkeys(names):
        places = [i for i, other in enumerate(names) if other == name]
        for key, values in differing([experiments[i][1] for i in places]):
            if len({found[i] for i in places}) == len(places):
                break
            word = key.removesuffix(".name").rpartition(".")[2]
            for i, value in zip(places, values, strict=True):
                found[i] += f", no {word}" if value is None else f", {word} {value if isinstance(value, str) else json.dumps(value)}"
    return found


def labelled(groups: Sequence[Sequence[Run]]) -> list[str]:
    """The labels of experiments, each given as its runs."""
    return labels([(group[0].path.parent.name, {**group[0].config, "name": ""}) for group in groups])
