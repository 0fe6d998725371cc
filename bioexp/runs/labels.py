"""Names for experiments that are seen side by side."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bioexp.experiment import Run
from bioexp.measures.comparison import differing

LONG = 40  # characters


def labels(experiments: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """A label for each (name, config): its name, and where several share it, what their configs
    differ in: "my_rule, rule oja".

    No more is said than tells them all apart, and what is long to say last; those of equal configs
    are numbered.
    """
    names = [name for name, _ in experiments]
    found = list(names)
    for name in dict.fromkeys(names):
        places = [i for i, other in enumerate(names) if other == name]
        texts = [
            [_text(key, value) for value in values]
            for key, values in differing([experiments[i][1] for i in places])
        ]
        for words in [
            *sorted(texts, key=lambda words: max(map(len, words)) > LONG),
            [str(1 + i) for i in range(len(places))],
        ]:
            if len({found[i] for i in places}) == len(places):
                break
            for i, word in zip(places, words, strict=True):
                found[i] += f", {word}"
    return found


def _text(key: str, value: Any) -> str:
    word = key.removesuffix(".name").rpartition(".")[2]
    return (
        f"no {word}"
        if value is None
        else f"{word} {value if isinstance(value, str) else json.dumps(value)}"
    )


def labelled(groups: Sequence[Sequence[Run]]) -> list[str]:
    """The labels of experiments, each given as its runs."""
    return labels(
        [(group[0].path.parent.name, {**group[0].config, "name": ""}) for group in groups]
    )
