"""Where the neurons of a network lie, and what its connections cost: the layers that are split,
seen from above.

The paper's footnote 4 leaves neurons whose absolute input weights sum to more than 0.1, and
connections stronger than 0.01. A neuron is live here if the weights that leave it do, too.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from bioexp.experiment import Trained
from bioexp.papers.measuring import snapshots
from bioexp.papers.spatial_nets.model import Groups, distances, greedy
from bioexp.papers.spatial_nets.splits import LAYERS, split
from bioexp.types import Params

WEAK = 0.1  # a neuron whose absolute weights sum to less is not shown in the paper (footnote 4)
EDGE = 0.01  # absolute weight above which a connection is shown (footnote 4)
MOST = 1000  # connections of a layer that are shown


def shown(params: Params, number: int) -> Bool[np.ndarray, "units"]:
    """Footnote 4: neurons whose absolute input weights sum to more than 0.1."""
    return np.abs(np.asarray(params["layers"][str(number)]["w"])).sum(axis=1) > WEAK


def live(params: Params, number: int) -> Bool[np.ndarray, "units"]:
    """Neurons whose absolute weights sum to more than 0.1, those that reach them and, below the
    outputs, those that leave them.
    """
    above = params["layers"].get(str(number + 1))
    strong = shown(params, number)
    return strong if above is None else strong & (np.abs(np.asarray(above["w"])).sum(axis=0) > WEAK)


def places(
    params: Params, groups: Groups, number: int
) -> tuple[Float[np.ndarray, "live 2"], Int[np.ndarray, "live"]]:
    """Positions and groups of a layer's live neurons."""
    alive = live(params, number)
    return np.asarray(params["layers"][str(number)]["p"], np.float64)[alive], groups[number][alive]


def silhouette(position: Float[np.ndarray, "n 2"], group: Int[np.ndarray, "n"]) -> float:
    """How much nearer a neuron's own group is than the other: 1 far apart, 0 mingled; 0 where there
    are no two groups.
    """
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(group)) < len(group):
        return 0.0
    return float(silhouette_score(position, group))


def purity(position: Float[np.ndarray, "n 2"], group: Int[np.ndarray, "n"]) -> float:
    """Share of neurons whose nearest neighbor is of their own group; 0 where there are no two
    neurons or no two groups.
    """
    if len(np.unique(group)) < 2:
        return 0.0
    apart = np.linalg.norm(position[:, None] - position[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return float((group[apart.argmin(axis=1)] == group).mean())


def crossing(params: Params, groups: Groups, number: int) -> float:
    """Share of a layer's absolute weight that connects neurons of different groups; 0 where there
    is no weight.
    """
    w = np.abs(np.asarray(params["layers"][str(number)]["w"], np.float64))
    foreign = groups[number][:, None] != groups[number - 1][None]
    return float((w * foreign).sum() / max(w.sum(), 1e-12))


def cost(params: Params, number: int) -> tuple[float, float]:
    """T(l), the mean over connections of absolute weight times length, and the mean length of a
    unit of weight.
    """
    here, below = (params["layers"][str(layer)] for layer in (number, number - 1))
    w = np.abs(np.asarray(here["w"], np.float64))
    apart = distances(jnp.asarray(here["p"]), jnp.asarray(below["p"]), 0.0)
    length = np.asarray(apart, np.float64)
    return float((w * length).mean()), float((w * length).sum() / max(w.sum(), 1e-12))


# Numbers of a run.


def paired(trained: Trained) -> float:
    """Share of a live neuron's weights to the outputs that goes to one output alone, mean over the
    last hidden layer.
    """
    w = np.abs(np.asarray(trained.params["layers"][str(LAYERS[-1])]["w"], np.float64))
    out = w[:, live(trained.params, LAYERS[-2])]
    return float((out.max(axis=0) / out.sum(axis=0)).mean()) if out.size else 0.0


def region_purity(trained: Trained) -> float:
    """Share of live neurons whose nearest neighbor is of their own group, mean over the split
    layers.
    """
    groups = split(trained)
    return float(np.mean([purity(*places(trained.params, groups, number)) for number in LAYERS]))


def region_silhouette(trained: Trained) -> float:
    """Silhouette of the groups of live neurons, mean over the split layers."""
    groups, params = split(trained), trained.params
    return float(np.mean([silhouette(*places(params, groups, number)) for number in LAYERS]))


def shares_between(trained: Trained) -> dict[int, float]:
    """Share of absolute weight between groups into each split layer; the lowest reads no grouped
    neurons and is left out.
    """
    groups = split(trained)
    return {number: crossing(trained.params, groups, number) for number in LAYERS[1:]}


def most_crossing(trained: Trained) -> float:
    """Share of absolute weight between groups, in the split layer where it is largest."""
    return max(shares_between(trained).values())


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


def total_cost(trained: Trained) -> float:
    """T(l), mean over the layers that pay."""
    return float(np.mean([cost(trained.params, number)[0] for number in LAYERS]))


def mean_length(trained: Trained) -> float:
    """Mean length of a unit of weight, mean over the layers that pay."""
    return float(np.mean([cost(trained.params, number)[1] for number in LAYERS]))


# What is drawn.


class Plane(NamedTuple):
    """A layer from above, with its numbers.

    shown: the neurons of footnote 4. live: how many count for purity and silhouette.
    transport, length: T(l), and the mean length of a unit of weight.
    """

    position: Float[np.ndarray, "units 2"]
    group: Int[np.ndarray, "units"]
    shown: Bool[np.ndarray, "units"]
    live: int
    purity: float
    silhouette: float
    transport: float
    length: float


def plane(params: Params, groups: Groups, number: int) -> Plane:
    """A layer of these weights, its neurons in these groups."""
    own = places(params, groups, number)
    transport, length = cost(params, number)
    return Plane(
        position=np.asarray(params["layers"][str(number)]["p"]),
        group=groups[number],
        shown=shown(params, number),
        live=len(own[1]),
        purity=purity(*own),
        silhouette=silhouette(*own),
        transport=transport,
        length=length,
    )


def planes(trained: Trained) -> dict[int, Plane]:
    """The split layers of a net, by number."""
    groups = split(trained)
    return {number: plane(trained.params, groups, number) for number in LAYERS}


def moments(trained: Trained) -> dict[int, dict[int, Plane]]:
    """The same at each step that was kept of its training."""
    found = {}
    for step, params in snapshots(trained).items():
        groups = greedy(params, trained.heads, LAYERS)
        found[step] = {number: plane(params, groups, number) for number in LAYERS}
    return found


class Connections(NamedTuple):
    """The strong connections of a layer between neurons that are shown: both ends, and the group
    that they share, -1 where they are of two.
    """

    here: Float[np.ndarray, "edges 2"]
    below: Float[np.ndarray, "edges 2"]
    group: Int[np.ndarray, "edges"]


def connections(trained: Trained, number: int) -> Connections:
    """Those of a layer with the one below: stronger than 0.01, and the strongest 1,000 of them."""
    params, groups = trained.params, split(trained)
    here, below = (params["layers"][str(layer)] for layer in (number, number - 1))
    both = np.outer(shown(params, number), shown(params, number - 1))
    w = np.abs(np.asarray(here["w"])) * both
    floor = float(np.sort(w, axis=None)[-MOST:][0])
    n, m = np.nonzero(w > max(EDGE, floor))
    group = np.where(groups[number][n] == groups[number - 1][m], groups[number][n], -1)
    return Connections(np.asarray(here["p"])[n], np.asarray(below["p"])[m], group)
