"""A network of several tasks split into one for each, in the ways that the paper tries, and what
that leaves of its accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bioexp.datasets.several import parts
from bioexp.experiment import Trained
from bioexp.measures.accuracy import correct
from bioexp.papers.spatial_nets.model import Groups, disabled, greedy, of_outputs
from bioexp.training import as_float
from bioexp.types import Params

LAYERS = (2, 3, 4)  # those that are split: the third and the fourth hidden layer, and the outputs
SHOWN = 200  # images of each task that activations are looked at on
Way = Literal["greedy", "spectral", "activity"]


class Scores(NamedTuple):
    """Test accuracy of each task: of the whole net, split as the authors' program does it, and with
    disabled neurons silent.
    """

    full: Float[np.ndarray, "tasks"]
    split: Float[np.ndarray, "tasks"]
    silent: Float[np.ndarray, "tasks"]

    @property
    def drop(self) -> Float[np.ndarray, "tasks"]:
        return self.full - self.split


def heads(trained: Trained) -> int:
    """How many tasks a net has."""
    return int(trained.run.config["stages"][-1]["objective"]["heads"])


@dataclass(frozen=True)
class _Subject:
    """A run as a key: the same as long as it is not trained again."""

    name: str
    finished: str
    trained: Trained = field(compare=False)


def scores(trained: Trained, way: Way = "greedy") -> Scores:
    """The net before and after a split."""
    return _scores(
        _Subject(str(trained.run.path), str(trained.run.provenance["finished"]), trained), way
    )


@cache
def _scores(subject: _Subject, way: Way) -> Scores:
    trained = subject.trained
    count, data, params = heads(trained), trained.dataset, jax.tree.map(np.asarray, trained.params)
    groups = split(trained, way)
    nets = [
        params,
        *(
            disabled(params, groups, group, silent=silent)
            for silent in (False, True)
            for group in range(count)
        ),
    ]
    stacked = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *nets)
    right = correct(trained.model.apply, stacked, data.x_test, data.y_test, count)
    of = data.y_test // (data.n_classes // count)
    own = [
        [right[net][of == task].mean() for task, net in enumerate(which)]
        for which in _places(count)
    ]
    return Scores(*(np.asarray(found) for found in own))


def _places(count: int) -> Sequence[Sequence[int]]:
    """Which of the stacked nets answers for each task: the whole one, then each split."""
    return [0] * count, range(1, 1 + count), range(1 + count, 1 + 2 * count)


def split(trained: Trained, way: Way = "greedy") -> Groups:
    """Which task each neuron of the split layers belongs to."""
    params = jax.tree.map(np.asarray, trained.params)
    if way == "greedy":
        return greedy(params, heads(trained), LAYERS)
    return spectral(params, heads(trained)) if way == "spectral" else by_activity(trained)


def spectral(params: Params, count: int) -> Groups:
    """Spectral clustering of the split layers as one graph, whose edges are absolute weights
    (footnote 2).

    A cluster stands for the task that it shares most outputs with, one for each. Outputs go where
    the clustering puts them.
    """
    from scipy.optimize import linear_sum_assignment
    from sklearn.cluster import SpectralClustering

    sizes = [len(params["layers"][str(number)]["b"]) for number in LAYERS]
    ends = np.cumsum([0, *sizes])
    graph = np.full((ends[-1], ends[-1]), 1e-9)  # connected, so that the embedding is defined
    for lower, number in enumerate(LAYERS[1:]):
        block = np.abs(params["layers"][str(number)]["w"])
        graph[ends[lower + 1] : ends[lower + 2], ends[lower] : ends[lower + 1]] += block
        graph[ends[lower] : ends[lower + 1], ends[lower + 1] : ends[lower + 2]] += block.T
    found = SpectralClustering(count, affinity="precomputed", random_state=0).fit_predict(graph)
    tasks = of_outputs(params, count, LAYERS[-1])
    shared = np.array(
        [
            [np.sum((found[ends[-2] :] == cluster) & (tasks == task)) for task in range(count)]
            for cluster in range(count)
        ]
    )
    task_of = np.empty(count, int)
    task_of[linear_sum_assignment(-shared)[0]] = linear_sum_assignment(-shared)[1]
    return {number: task_of[found[ends[i] : ends[i + 1]]] for i, number in enumerate(LAYERS)}


def by_activity(trained: Trained) -> Groups:
    """Each neuron goes to the task whose examples, shown alone, make its mean activity largest
    (footnote 2); outputs, too.

    Beside an example of concatenation or mixing the others are black.
    """
    count, data = heads(trained), trained.dataset
    size = data.n_classes // count
    activity = []
    for task in range(count):
        if data.y_test.ndim == 1:
            shown = data.x_test[data.y_test // size == task][:SHOWN]
        else:
            whole = data.x_test[:SHOWN]
            alone = [
                own if i == task else np.zeros_like(own)
                for i, own in enumerate(parts(whole, count))
            ]
            shown = np.concatenate(alone, axis=1 if whole.ndim == 2 else 2)
        records = trained.model.apply(trained.params, as_float(jnp.asarray(shown)))[1]
        activity.append([np.asarray(records[number].z).mean(axis=0) for number in LAYERS])
    return {
        number: np.argmax([own[i] for own in activity], axis=0) for i, number in enumerate(LAYERS)
    }
