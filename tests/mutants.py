"""Configs with one thing wrong: every config that comes with bioexp, one node of it dropped,
misspelled, doubled or exchanged.
"""

from __future__ import annotations

import re
import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from hypothesis import strategies as st

from bioexp.config import build, strict_yaml
from bioexp.config.configs import config_files, configs_folder
from bioexp.config.reading import load
from bioexp.datasets import DATASETS, Unavailable
from bioexp.experiment import Choice
from bioexp.options import schema
from bioexp.types import UserError

JUNK = (
    *(
        None,
        True,
        0,
        -1,
        1,
        2,
        0.5,
        1e300,
        -1e-300,
        10**15,
        10**29,
        "",
        " ",
        "x",
        "all",
        "é",
        "a" * 300,
    ),
    *("null", ".nan", ".inf", "1e999", "../x", "/", "~", "./none.py:f", "\0", "{}", "[]", "1_0"),
    *([], {}, [[]], [None], {"name": None}, {"name": "mlp"}, {"": 1}, {"int": 1}, {"extra[0]": {}}),
    *([1] * 50, {"a": {"b": {"c": 1}}}, [10**9], [[5]], {"layers/0": 1}, {"layers/99": "x"}),
)
Keys = tuple[Any, ...]

ELSEWHERE = ("mnist", "fashion_mnist", "cifar10", "cifar10_5k")  # whose files need not be here


class Mutant(NamedTuple):
    """A config's text, where it differs, and in what way."""

    config: str
    text: str
    at: Keys
    what: str

    def is_named_in(self, said: str) -> bool:
        """Whether a message names a key on the way to what was changed; or, unless a value alone is
        another one, any place of the config: what was there may be missed elsewhere.
        """
        keys = {word for key in self.at for word in words(str(key))}
        nameless = not words(str(self.at[-1]))
        if self.what not in ("junk", "insert") and re.match(r".*mutant\.yaml:\d+", said):
            return True
        return nameless or bool(keys & set(words(said)))


def words(text: str) -> list[str]:
    """A text's words and numbers."""
    return re.findall(r"\w+", text)


def nodes(data: Any, at: Keys = ()) -> list[Keys]:
    """The places of everything in a config."""
    inside = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    below = [place for key, value in inside for place in nodes(value, (*at, key))]
    return [at, *below] if at else below


@st.composite
def mutants(draw: st.DrawFn) -> Mutant:
    """One of the configs with one thing changed."""
    files = config_files()
    name = draw(st.sampled_from(sorted(files)))
    data = strict_yaml.read(files[name])[0]
    at = draw(st.sampled_from(nodes(data)))
    what = draw(st.sampled_from(["drop", "misspell", "junk", "swap", "wrap", "insert", "double"]))
    data = deepcopy(data)
    *above, last = at
    parent = data
    for key in above:
        parent = parent[key]
    if what == "drop" or (what == "misspell" and isinstance(parent, list)):
        del parent[last]
    elif what == "misspell":
        other = draw(st.sampled_from([f"{last}x", last[:-1], last.upper(), f"{last} ", "int", "0"]))
        parent[other] = parent.pop(last)
        at = (*above, other)
    elif what == "swap":
        source = data
        for key in draw(st.sampled_from(nodes(data))):
            source = source[key]
        parent[last] = deepcopy(source)
    elif what == "wrap":
        whole = parent[last]
        parent[last] = draw(st.sampled_from([[whole], {"name": whole}, [whole, deepcopy(whole)]]))
    elif what == "insert" and isinstance(parent, dict):
        other = draw(st.sampled_from(["stepss", "int", "str", "extra[0]", "", "name ", "a.b"]))
        parent[other] = draw(st.sampled_from(JUNK))
        at = (*above, other)
    elif what != "double":
        parent[last] = draw(st.sampled_from(JUNK))
    text = yaml.safe_dump(deepcopy(data), sort_keys=False, allow_unicode=True)
    if what == "double":
        lines = text.splitlines()
        number = draw(st.integers(0, len(lines) - 1))
        text = "\n".join([*lines[: number + 1], lines[number], *lines[number + 1 :]])
        at = (lines[number],)
    return Mutant(name, text, at, what)


def outcome(mutant: Mutant, folder: Path) -> str:
    """What comes of a mutant up to the first step of its training, in shapes alone: "" for nothing
    wrong, or the user's error.
    """
    file = folder / "mutant.yaml"
    file.write_text(mutant.text)
    for own in configs_folder().rglob("*.py"):
        shutil.copy(own, folder)
    try:
        for experiment in load(file)[:2]:
            chosen = experiment.dataset
            if chosen.name in ELSEWHERE:
                builder = DATASETS["mnist5k"]
                known = schema(builder).model_fields
                options = {key: value for key, value in chosen.options.items() if key in known}
                chosen = Choice("mnist5k", dict(schema(builder)(**options)), builder)
            experiment, data = build.dataset_of(
                replace(experiment, dataset=chosen, fallback=None), None, lambda text: None
            )
            parts = build.parts_of(experiment, data, lambda text: None)
            build.stages_of(experiment, data, parts.train)
    except Unavailable:  # made of data that need not be here
        return ""
    except UserError as error:
        return str(error)
    return ""
