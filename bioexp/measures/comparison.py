"""Two experiments side by side: what their configs differ in, and their paired differences over
common seeds.

Seeds share the order of the data and the initial weights, so that a difference per seed is smaller
than the spread over seeds. No correction is made for looking at many rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bioexp.measures.interval import student


class Difference(NamedTuple):
    """Second minus first over the seeds both have; low and high are None where one seed leaves no
    interval.
    """

    first: float
    second: float
    value: float
    low: float | None
    high: float | None
    seeds: tuple[int, ...]

    @property
    def says(self) -> str:
        """Which way the interval points: "higher", "lower", or that it does not tell."""
        if self.low is None or self.high is None:
            return "one common seed: no interval"
        return (
            "higher"
            if self.low > 0
            else "lower"
            if self.high < 0
            else "cannot tell: the interval holds 0"
        )


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> Difference | None:
    """Mean of second - first by seed, with Student's t interval; None where no seed is common."""
    seeds = tuple(sorted(set(first) & set(second)))
    if not seeds:
        return None
    differences = [second[seed] - first[seed] for seed in seeds]
    left, right = (sum(values[seed] for seed in seeds) / len(seeds) for values in (first, second))
    if len(seeds) == 1:
        return Difference(left, right, differences[0], None, None, seeds)
    value, low, high, _ = student(differences)
    return Difference(left, right, value, low, high, seeds)


def paired_robustness(
    first: Mapping[int, Mapping[str, Any]], second: Mapping[int, Mapping[str, Any]]
) -> dict[tuple[str, float], Difference]:
    """Differences by attack and eps, from the robustness records of each seed.

    Only records of one protocol are paired: the same norm, gradient and number of images in all of
        them.
    """
    records = [*first.values(), *second.values()]
    if len({(record["norm"], record["n"], record["gradient_source"]) for record in records}) != 1:
        return {}
    found = {}
    for key in _rows(next(iter(first.values()), {"rows": ()})):
        left, right = (
            {seed: _rows(record)[key] for seed, record in side.items() if key in _rows(record)}
            for side in (first, second)
        )
        difference = paired(left, right)
        if difference is not None:
            found[key] = difference
    return found


def _rows(record: Mapping[str, Any]) -> dict[tuple[str, float], float]:
    return {
        (row["attack"], row["eps"]): row["accuracy"]
        for row in record["rows"]
        if row["eps"] is not None
    }


def differing(configs: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Any]]]:
    """The keys, as a.b.0.c, whose values are not the same in all configs, with each one's value
    (None: not there).
    """
    flat = [_flat(config) for config in configs]
    keys = dict.fromkeys(key for one in flat for key in one)
    rows = [(key, [one.get(key) for one in flat]) for key in keys]
    return [(key, values) for key, values in rows if any(value != values[0] for value in values)]


def _flat(node: Any, path: str = "") -> dict[str, Any]:
    """Nested mappings and lists of mappings as dotted paths; a list of plain values stays one
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
