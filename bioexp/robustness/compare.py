"""Two experiments set against each other by the same seeds and the same images: which of them is
more accurate, and which may be called more robust.

Seeds share the order of the data and the initial weights, and the images are the same: what differs
is the net alone. No correction is made for looking at many rows.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from bioexp.experiment import Run
from bioexp.measures.interval import student
from bioexp.records import Difference
from bioexp.robustness.stored import REMEDY, attacked, table_of
from bioexp.robustness.table import WORST
from bioexp.types import UserError

RESAMPLES, BLOCK = 2000, 100  # and how many of them are looked at together
ASKED_FOR = 5  # seeds that a claim on robustness needs
EQUAL = 0.01  # clean accuracies that count as the same


class Survived(NamedTuple):
    """A seed's images that survive every attack at each eps (None: unattacked), and what its checks
    hold against a number there.
    """

    correct: Mapping[float | None, Bool[np.ndarray, "n"]]
    doubts: Mapping[float | None, str]


class Paired(NamedTuple):
    """Test accuracies over the seeds both have: second less first, with Student's t interval over
    seeds; low and high are None where one seed leaves none.
    """

    first: float
    second: float
    difference: float
    low: float | None
    high: float | None
    seeds: tuple[int, ...]
    says: str


def compared(groups: Mapping[str, Sequence[Run]]) -> list[Difference]:
    """Every experiment but the first against it, at each eps under all attacks; by their labels.

    Experiments that were not attacked, or have other test images, have no rows.
    """
    found = {
        label: runs
        for label, runs in groups.items()
        if all(table_of(run.path) is not None for run in runs)
    }
    if len(found) < 2:
        return []
    (label, first), *others = found.items()
    rows: list[Difference] = []
    left = {run.seed: survived(run) for run in first}
    for other, second in others:
        if same_data(first[0], second[0]):
            right = {run.seed: survived(run) for run in second}
            rows += compare(left, right, names=(label, other))
    return rows


def survived(run: Run) -> Survived:
    """Who survives all attacks of a run's last table at each eps, and what its checks say.

    Raises UserError where it was not attacked, or where what attacks left is gone.
    """
    attacks, table = attacked(run.path), table_of(run.path)
    if table is None or not attacks:
        raise UserError(f"{run.path}: what attacks left of it is gone; {REMEDY}")
    first = next(iter(attacks.values()))
    worst = np.logical_and.reduce([attack.correct for attack in attacks.values()])
    says = {row.eps: row.verdict for row in table.rows if row.attack == WORST}
    doubts = {eps: verdict for eps, verdict in says.items() if verdict.startswith("NOT")}
    if table.gradient_source != "true":
        doubts = dict.fromkeys(says, "NOT established: attacked along the training gradient")
    return Survived({None: first.clean, **dict(zip(first.eps, worst, strict=True))}, doubts)


def compare(
    first: Mapping[int, Survived],
    second: Mapping[int, Survived],
    names: tuple[str, str] = ("first", "second"),
) -> list[Difference]:
    """A row for every eps that all seeds of both share; none where no seed is common, or the images
    are not the same number.
    """
    seeds = sorted(set(first) & set(second))
    sides = [side[seed] for seed in seeds for side in (first, second)]
    if not sides or len({len(right) for side in sides for right in side.correct.values()}) != 1:
        return []
    shared = [eps for eps in sides[0].correct if all(eps in side.correct for side in sides)]
    return [
        _at(eps, [first[seed] for seed in seeds], [second[seed] for seed in seeds], names)
        for eps in shared
    ]


def interval(differences: Float[np.ndarray, "seeds n"]) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean over seeds and images, both drawn anew with replacement
    in each of 2,000 resamples.
    """
    of_seeds, of_images = _drawn(*differences.shape)
    sums = [of_images[i : i + BLOCK] @ differences.T for i in range(0, RESAMPLES, BLOCK)]
    means = (np.concatenate(sums) * of_seeds).sum(1) / differences.size
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


@lru_cache(maxsize=1)
def _drawn(
    seeds: int, n: int
) -> tuple[UInt8[np.ndarray, "resamples seeds"], UInt8[np.ndarray, "resamples n"]]:
    """How often each resample holds each seed and each image; it depends on their numbers alone."""
    rng = np.random.default_rng(0)

    def drawn(size: int) -> UInt8[np.ndarray, "{size}"]:
        return np.bincount(rng.integers(size, size=size), minlength=size).astype(np.uint8)

    resamples = [(drawn(seeds), drawn(n)) for _ in range(RESAMPLES)]
    of_seeds, of_images = zip(*resamples, strict=True)
    return np.stack(of_seeds), np.stack(of_images)


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> Paired | None:
    """Test accuracies of nets that were not attacked together; None where no seed is common."""
    seeds = tuple(sorted(set(first) & set(second)))
    if not seeds:
        return None
    differences = [second[seed] - first[seed] for seed in seeds]
    left, right = (sum(side[seed] for seed in seeds) / len(seeds) for side in (first, second))
    if len(seeds) == 1:
        return Paired(
            left, right, differences[0], None, None, seeds, "one common seed: no interval"
        )
    value, low, high, _ = student(differences)
    return Paired(left, right, value, low, high, seeds, _words(None, low, high))


def same_data(first: Run, second: Run) -> bool:
    """Whether they were trained and scored on the same examples."""
    sides = [(run.provenance.dataset.digest, run.summary.n_test) for run in (first, second)]
    return sides[0] == sides[1]


def unequal(groups: Mapping[str, Sequence[Run]], rows: Sequence[Difference]) -> list[str]:
    """How to train the twin of equal clean accuracy, for the first run whose rows lack one: the
    more accurate net, stopped early.

    rows: of `compared`. Where clean accuracies lie more than a point apart, those under attack
    alone do not compare the nets.
    """
    clean = [row for row in rows if row.eps is None]
    if not clean or any(abs(row.difference) <= EQUAL for row in clean):
        return []
    row = clean[0]
    less, more = row.first, row.second
    if row.of_first > row.of_second:
        less, more = more, less
    net, metrics = groups[more][0], groups[less][0].metrics
    reached = [record["train_accuracy"] for record in metrics if "train_accuracy" in record]
    if not reached:
        return []
    stage = f"stages.{len(net.config.stages) - 1}"
    early = (
        f"{net.path}/config.yaml --set name={net.config.name}_early "
        f"--set {stage}.until={reached[-1]:.3f} --set {stage}.record_every=5"
    )
    return [
        f"no net here is as accurate as {row.first} when clean; {more} stopped early is: "
        f"bioexp train {early}"
    ]


def _at(
    eps: float | None, first: list[Survived], second: list[Survived], names: tuple[str, str]
) -> Difference:
    left, right = (
        np.stack([seed.correct[eps] for seed in side]).astype(np.float64)
        for side in (first, second)
    )
    low, high = interval(right - left)
    doubts = [seed.doubts[eps] for seed in (*first, *second) if seed.doubts.get(eps)]
    return Difference(
        first=names[0],
        second=names[1],
        eps=eps,
        of_first=float(left.mean()),
        of_second=float(right.mean()),
        difference=float((right - left).mean()),
        low=low,
        high=high,
        n=left.shape[1],
        seeds=len(first),
        says=f"robustness {doubts[0]}" if doubts else _says(eps, low, high, len(first)),
    )


def _says(eps: float | None, low: float, high: float, seeds: int) -> str:
    """ "more robust" only when the interval excludes 0; with a warning where seeds are few."""
    words = _words(eps, low, high)
    if seeds >= ASKED_FOR or low <= 0 <= high:
        return words
    return f"{words} (on {seeds} seed{'s' * (seeds > 1)}; a claim needs {ASKED_FOR})"


def _words(eps: float | None, low: float, high: float) -> str:
    if low <= 0 <= high:
        return "cannot tell: the interval holds 0"
    more, less = (
        ("more accurate", "less accurate") if eps is None else ("more robust", "less robust")
    )
    return more if low > 0 else less
