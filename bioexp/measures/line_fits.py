"""Clusters in a plane: the line along each, how parallel two of them are, and how well a straight
line separates them.

Both coordinates are measured values, so lines are fitted by total least squares: distances are
taken across the line, and it makes no difference which coordinate is drawn upward.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Num

Points = Float[np.ndarray, "_ 2"]

BINS = 10  # along a line, in which residuals are averaged
RIDGE = 1e-6  # keeps the separating line finite when the clusters do not touch


class Line(NamedTuple):
    """A point on the line, its unit direction (first coordinate not negative), and R2, the squared
    correlation of the fit's points.
    """

    center: Float[np.ndarray, "2"]
    direction: Float[np.ndarray, "2"]
    r2: float

    @property
    def slope(self) -> float:
        """Change of the second coordinate per unit of the first; infinite for an upright line."""
        across, up = self.direction
        return float(up / across) if across else float("inf")


class Separator(NamedTuple):
    """The line normal . point + offset = 0; the second cluster lies where it is positive."""

    normal: Float[np.ndarray, "2"]
    offset: float

    def accuracy(self, first: Float[np.ndarray, "n 2"], second: Float[np.ndarray, "m 2"]) -> float:
        """Share of points on their own cluster's side."""
        own = [first @ self.normal + self.offset < 0, second @ self.normal + self.offset > 0]
        return float(np.concatenate(own).mean())


class Pair(NamedTuple):
    """What two labels' clusters are like: their lines, the angle between these in degrees, and the
    line that separates them.
    """

    labels: tuple[int, int]
    lines: tuple[Line, Line]
    angle: float
    separator: Separator
    separability: float


def fit_line(points: Float[np.ndarray, "n 2"]) -> Line:
    """The line with the least sum of squared distances: through the mean, along the direction of
    largest variance.
    """
    center = points.mean(axis=0)
    spread = np.cov((points - center).T, bias=True)
    direction = np.linalg.eigh(spread)[1][:, -1]
    product = spread[0, 0] * spread[1, 1]
    r2 = float(spread[0, 1] ** 2 / product) if product > 0 else 0.0
    return Line(center, direction * (-1 if direction[0] < 0 else 1), r2)


def angle(first: Line, second: Line) -> float:
    """Degrees between two lines, 0 to 90: a line has no front end."""
    cosine = abs(float(first.direction @ second.direction))
    return float(np.degrees(np.arccos(min(cosine, 1.0))))


def residuals(
    line: Line, points: Float[np.ndarray, "n 2"]
) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Every point's place along the line, counted from its center, and its distance across,
    positive to the left.
    """
    offset = points - line.center
    return offset @ line.direction, offset @ np.array([-line.direction[1], line.direction[0]])


def structure(
    along: Float[np.ndarray, "n"], across: Float[np.ndarray, "n"], bins: int = BINS
) -> float:
    """Share of the residuals' variance that their mean along the line explains, in bins of equally
    many points.

    The squared correlation ratio: about (bins - 1) / n when they are random, up to 1 when they
        follow a curve.
    """
    mean = across.mean()
    parts = [across[part] for part in np.array_split(np.argsort(along), bins)]
    between = sum(len(part) * (part.mean() - mean) ** 2 for part in parts if len(part))
    total = float(((across - mean) ** 2).sum())
    return float(between / total) if total > 0 else 0.0


def permuted(
    along: Float[np.ndarray, "n"],
    across: Float[np.ndarray, "n"],
    rng: np.random.Generator,
    permutations: int = 199,
) -> float:
    """How likely so much structure is where residuals are random: the share of permutations of
    `across` that have at least as much, the given order counted.
    """
    found = structure(along, across)
    drawn = [structure(along, rng.permutation(across)) for _ in range(permutations)]
    return float((1 + np.sum(np.array(drawn) >= found)) / (1 + permutations))


def separate(
    first: Float[np.ndarray, "n 2"], second: Float[np.ndarray, "m 2"], steps: int = 30
) -> Separator:
    """Logistic regression between two clusters by Newton's method, on standardized coordinates with
    a slight ridge.
    """
    points = np.concatenate([first, second]).astype(np.float64)
    label = np.repeat([0.0, 1.0], [len(first), len(second)])
    center, scale = points.mean(axis=0), np.maximum(points.std(axis=0), np.finfo(float).tiny)
    x = np.column_stack([(points - center) / scale, np.ones(len(points))])
    w = np.zeros(3)
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -50, 50)))
        gradient = x.T @ (p - label) / len(x) + RIDGE * w
        curvature = (x.T * (p * (1 - p))) @ x / len(x) + RIDGE * np.eye(3)
        step = np.linalg.solve(curvature, gradient)
        w = w - step
        if np.abs(step).max() < 1e-6 * (1 + np.abs(w).max()):
            break
    normal = w[:2] / scale
    return Separator(normal, float(w[2] - normal @ center))


def pair(
    values: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, "n"], m: int, n: int
) -> Pair:
    """The clusters of labels m and n in the plane of columns m and n; separability is the
    separator's accuracy on these points.
    """
    first, second = clusters(values, labels, m, n)
    lines = fit_line(first), fit_line(second)
    separator = separate(first, second)
    return Pair((m, n), lines, angle(*lines), separator, separator.accuracy(first, second))


def pairs(values: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, "n"]) -> Sequence[Pair]:
    """Every two labels, where column c of `values` belongs to label c."""
    return [pair(values, labels, m, n) for m, n in combinations(range(values.shape[1]), 2)]


def clusters(
    values: Num[np.ndarray, "n classes"], labels: Int[np.ndarray, "n"], m: int, n: int
) -> tuple[Points, Points]:
    """The points (column m, column n) of the examples with label m, and of those with label n."""
    plane = values[:, [m, n]].astype(np.float64)
    return plane[labels == m], plane[labels == n]
