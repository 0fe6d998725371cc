"""Where the neurons of a network lie, and what its connections cost: the layers that are split,
seen from above.

The paper's footnote 4 shows neurons whose absolute input weights sum to more than 0.1, and
connections stronger than 0.01. A neuron is live here if the weights that leave it do, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from bioexp.experiment import Trained
from bioexp.papers.measuring import snapshots
from bioexp.papers.spatial_nets.model import Groups, distances
from bioexp.papers.spatial_nets.splits import LAYERS, split
from bioexp.types import Params

WEAK, EDGE = 0.1, 0.01  # both of footnote 4
MOST = 1000  # connections of a layer that are shown
PERMUTATIONS = 20


def strength(params: Params, number: int) -> Float[np.ndarray, "units inputs"]:
    """Absolute weights into a layer."""
    return np.abs(np.asarray(params["layers"][str(number)]["w"], np.float64))


def shown(params: Params, number: int) -> Bool[np.ndarray, "units"]:
    """The neurons of footnote 4."""
    return np.abs(np.asarray(params["layers"][str(number)]["w"])).sum(axis=1) > WEAK


def live(params: Params, number: int) -> Bool[np.ndarray, "units"]:
    """Neurons with strong weights into them and, below the outputs, out of them."""
    above = params["layers"].get(str(number + 1))
    strong = shown(params, number)
    return strong if above is None else strong & (np.abs(np.asarray(above["w"])).sum(axis=0) > WEAK)


def silhouette(position: Float[np.ndarray, "n 2"], group: Int[np.ndarray, "n"]) -> float:
    """How much nearer a neuron's own group is than the other: 1 far apart, 0 mingled; 0 where there
    are no two groups.
    """
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(group)) < len(group):
        return 0.0
    return float(silhouette_score(position, group))


def purity(position: Float[np.ndarray, "n 2"], group: Int[np.ndarray, "n"]) -> float:
    """Share of neurons whose nearest neighbor is of their own group; 1 of less than two neurons."""
    if len(group) < 2:
        return 1.0
    apart = np.linalg.norm(position[:, None] - position[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return float((group[apart.argmin(axis=1)] == group).mean())


def by_chance(group: Int[np.ndarray, "n"]) -> float:
    """The purity to be expected of groups dealt out at random: of n neurons the share of pairs that
    are of one group, for many neurons p^2 + (1 - p)^2; 1 of less than two neurons.
    """
    n, sizes = len(group), np.bincount(group)
    return float((sizes * (sizes - 1)).sum() / (n * (n - 1))) if n > 1 else 1.0


def sorting(position: Float[np.ndarray, "n 2"], group: Int[np.ndarray, "n"]) -> float:
    """Purity above chance, as a share of what is possible above it: 1 pure, 0 by chance. A layer of
    one group is as pure as chance makes it, which shows no clusters: 0.
    """
    chance = by_chance(group)
    return (purity(position, group) - chance) / (1 - chance) if chance < 1 else 0.0


def crossing(params: Params, groups: Groups, number: int) -> float:
    """Share of a layer's absolute weight that connects neurons of different groups; 0 where there
    is no weight.
    """
    w = strength(params, number)
    foreign = groups[number][:, None] != groups[number - 1][None]
    return float((w * foreign).sum() / max(w.sum(), 1e-12))


def cost(params: Params, number: int) -> tuple[float, float]:
    """T(l), the mean over connections of absolute weight times length, and the mean length of a
    unit of weight.
    """
    here, below = (jnp.asarray(params["layers"][str(n)]["p"]) for n in (number, number - 1))
    w, length = strength(params, number), np.asarray(distances(here, below, 0.0), np.float64)
    return float((w * length).mean()), float((w * length).sum() / max(w.sum(), 1e-12))


class Plane(NamedTuple):
    """A layer from above, with its numbers.

    shown: the neurons of footnote 4. live: how many count for purity and silhouette.
    purity, sorting: of nearest neighbors among live neurons, and how far that is above chance.
    transport, length: T(l), and the mean length of a unit of weight.
    """

    position: Float[np.ndarray, "units 2"]
    group: Int[np.ndarray, "units"]
    shown: Bool[np.ndarray, "units"]
    live: int
    purity: float
    sorting: float
    silhouette: float
    transport: float
    length: float


def _plane(params: Params, group: Int[np.ndarray, "units"], number: int) -> Plane:
    position = np.asarray(params["layers"][str(number)]["p"], np.float64)
    alive = live(params, number)
    transport, length = cost(params, number)
    return Plane(
        position=position,
        group=group,
        shown=shown(params, number),
        live=int(alive.sum()),
        purity=purity(position[alive], group[alive]),
        sorting=sorting(position[alive], group[alive]),
        silhouette=silhouette(position[alive], group[alive]),
        transport=transport,
        length=length,
    )


def planes(trained: Trained) -> dict[int, Plane]:
    """The split layers of a net, by number."""
    groups = split(trained)
    return {number: _plane(trained.params, groups[number], number) for number in LAYERS}


def moments(trained: Trained) -> dict[int, dict[int, Plane]]:
    """The same at each step of training that was kept."""
    return {
        step: planes(replace(trained, params=params)) for step, params in snapshots(trained).items()
    }


# Numbers of a run.


def layer_mean(
    what: Literal["purity", "sorting", "silhouette", "transport", "length"],
) -> Callable[[Trained], float]:
    """A number of a layer, mean over those that are split, which are also those that pay."""
    return lambda trained: float(
        np.mean([getattr(layer, what) for layer in planes(trained).values()])
    )


def single_output(trained: Trained) -> float:
    """Share of a live neuron's weights to the outputs that goes to one output alone, mean over the
    last hidden layer.
    """
    out = strength(trained.params, LAYERS[-1])[:, live(trained.params, LAYERS[-2])]
    return float((out.max(axis=0) / out.sum(axis=0)).mean()) if out.size else 0.0


def share_between(number: int) -> Callable[[Trained], float]:
    """Share of absolute weight between groups into a split layer."""
    return lambda trained: crossing(trained.params, split(trained), number)


def mean_share_between(trained: Trained) -> float:
    """The same, mean over split layers; the lowest reads no grouped neurons."""
    return float(np.mean([share_between(number)(trained) for number in LAYERS[1:]]))


def smallest_group(trained: Trained) -> float:
    """Share of the smallest group in the split layer where it is least; 0 means that a task was
    left without neurons.
    """
    groups, tasks = split(trained).values(), trained.heads
    return float(min(np.bincount(own, minlength=tasks).min() / len(own) for own in groups))


def free_weight(trained: Trained) -> float:
    """Root mean square of the weights of the layers that pay nothing, the first two; their
    geometric mean.
    """
    w = [np.asarray(trained.params["layers"][layer]["w"], np.float64) for layer in "01"]
    first, second = (np.sqrt(np.square(own).mean()) for own in w)
    return float(np.sqrt(first * second))


# The same where neurons cannot know their group.


def _permuted(trained: Trained, rng: np.random.Generator) -> Groups:
    """The groups of a net, dealt out anew among the live neurons of each layer."""
    groups = {number: group.copy() for number, group in split(trained).items()}
    for number, group in groups.items():
        alive = live(trained.params, number)
        group[alive] = rng.permutation(group[alive])
    return groups


def crossing_into(number: int) -> Callable[[Params, Groups], float]:
    """The share of weight between groups into a layer, of a net whose groups are given."""
    return lambda params, groups: crossing(params, groups, number)


def by_permuted_groups(
    number: Callable[[Params, Groups], float],
) -> Callable[[Trained], float]:
    """A number of a net with its groups permuted among live neurons, mean of 20 permutations."""

    def measure(trained: Trained) -> float:
        rng = np.random.default_rng(trained.seed)
        made = [_permuted(trained, rng) for _ in range(PERMUTATIONS)]
        return float(np.mean([number(trained.params, groups) for groups in made]))

    return measure


def mean_sorting(params: Params, groups: Groups) -> float:
    """How sorted live neurons are, mean over layers."""
    alive = {number: live(params, number) for number in groups}
    position = {
        number: np.asarray(params["layers"][str(number)]["p"], np.float64) for number in groups
    }
    return float(np.mean([sorting(position[n][alive[n]], groups[n][alive[n]]) for n in groups]))


# What is drawn.


class Connections(NamedTuple):
    """Both ends of connections between neurons that are shown, and the group that these share, -1
    where they share none.
    """

    here: Float[np.ndarray, "edges 2"]
    below: Float[np.ndarray, "edges 2"]
    group: Int[np.ndarray, "edges"]


def connections(trained: Trained, number: int) -> Connections:
    """A layer's connections with the one below: the strongest 1,000 of those above 0.01."""
    params, groups = trained.params, split(trained)
    here, below = (params["layers"][str(layer)] for layer in (number, number - 1))
    both = np.outer(shown(params, number), shown(params, number - 1))
    w = np.abs(np.asarray(here["w"])) * both
    floor = float(np.sort(w, axis=None)[-MOST:][0])
    n, m = np.nonzero(w > max(EDGE, floor))
    group = np.where(groups[number][n] == groups[number - 1][m], groups[number][n], -1)
    return Connections(np.asarray(here["p"])[n], np.asarray(below["p"])[m], group)
