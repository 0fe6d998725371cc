"""A network of several tasks split into one for each, in the ways that the paper tries, and what
that leaves of its accuracy.

Accuracies are on all test examples; in concatenation and mixing these are the same fixed pairs for
every net. Each task is scored by the subnetwork that is left for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
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
SHOWN = 200  # images of each task on which activations are compared
Way = Literal["greedy", "spectral", "activity"]
WAYS: dict[Way, str] = {  # those of footnote 2
    "spectral": "spectral clustering",
    "activity": "activation statistics",
}


class Scores(NamedTuple):
    """Test accuracy of each task: of the whole net, split as the authors' program does it, and
    split with disabled neurons silent.
    """

    full: Float[np.ndarray, "tasks"]
    split: Float[np.ndarray, "tasks"]
    silent: Float[np.ndarray, "tasks"]

    @property
    def drop(self) -> Float[np.ndarray, "tasks"]:
        """What the split costs."""
        return self.full - self.split

    @property
    def silent_drop(self) -> Float[np.ndarray, "tasks"]:
        """What the split costs with disabled neurons silent."""
        return self.full - self.silent


@dataclass(frozen=True)
class _Subject:
    """A net with its labels as a key, so that a run that is changed to make a null is another."""

    digest: str
    trained: Trained = field(compare=False)


def _subject(trained: Trained) -> _Subject:
    read = sha256(str(trained.run.path).encode())
    for leaf in (*jax.tree.leaves(trained.params), trained.dataset.y_test):
        read.update(np.asarray(leaf).tobytes())
    return _Subject(read.hexdigest(), trained)


def scores(trained: Trained, way: Way = "greedy") -> Scores:
    """The net before and after a split."""
    return _scores(_subject(trained), way)


@cache
def _scores(subject: _Subject, way: Way) -> Scores:
    trained = subject.trained
    count, data, params = trained.heads, trained.dataset, jax.tree.map(np.asarray, trained.params)
    groups = split(trained, way)
    subnets = [
        disabled(params, groups, group, silent=silent)
        for silent in (False, True)
        for group in range(count)
    ]
    stacked = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), params, *subnets)
    right = correct(trained.model.apply, stacked, data.x_test, data.y_test, count)
    task_of = data.y_test // (data.n_classes // count)

    def of_tasks(first: int, step: int = 1) -> Float[np.ndarray, "tasks"]:
        """The accuracy of each task by a net of its own, or with step 0 by the first for all."""
        nets = [first + step * task for task in range(count)]
        return np.asarray([right[net][task_of == task].mean() for task, net in enumerate(nets)])

    return Scores(of_tasks(0, step=0), of_tasks(1), of_tasks(1 + count))


def split(trained: Trained, way: Way = "greedy") -> Groups:
    """Which task each neuron of the split layers belongs to."""
    return dict(_split(_subject(trained), way))


@cache
def _split(subject: _Subject, way: Way) -> Groups:
    trained = subject.trained
    params = jax.tree.map(np.asarray, trained.params)
    if way == "greedy":
        return greedy(params, trained.heads, LAYERS)
    return spectral(params, trained.heads) if way == "spectral" else by_activity(trained)


def spectral(params: Params, count: int) -> Groups:
    """Spectral clustering of the split layers as one graph, whose edges are absolute weights
    (footnote 2).

    A cluster stands for the task with which it shares most outputs, one for each. Outputs go where
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
    clustering = SpectralClustering(count, affinity="precomputed", random_state=0)
    clusters = clustering.fit_predict(graph)
    of_output, tasks = clusters[ends[-2] :], of_outputs(params, count, LAYERS[-1])
    shared = [
        [np.sum((of_output == cluster) & (tasks == task)) for task in range(count)]
        for cluster in range(count)
    ]
    task_of = linear_sum_assignment(-np.array(shared))[1]  # its rows come in order: the clusters
    return {number: task_of[clusters[ends[i] : ends[i + 1]]] for i, number in enumerate(LAYERS)}


def by_activity(trained: Trained) -> Groups:
    """Each neuron goes to the task whose examples, shown alone, make its mean activity largest
    (footnote 2); outputs, too.

    In concatenation and mixing the other tasks' images are black.
    """
    activity = []
    for task in range(trained.heads):
        images = as_float(jnp.asarray(_alone(trained, task)))
        records = trained.model.apply(trained.params, images)[1]
        activity.append([np.asarray(records[number].z).mean(axis=0) for number in LAYERS])
    return {
        number: np.argmax([of_task[i] for of_task in activity], axis=0)
        for i, number in enumerate(LAYERS)
    }


def _alone(trained: Trained, task: int) -> np.ndarray:
    """The first test images of one task, with nothing beside them."""
    data, count = trained.dataset, trained.heads
    if data.y_test.ndim == 1:
        return data.x_test[data.y_test // (data.n_classes // count) == task][:SHOWN]
    together = data.x_test[:SHOWN]
    shown = [
        images if place == task else np.zeros_like(images)
        for place, images in enumerate(parts(together, count))
    ]
    return np.concatenate(shown, axis=1 if together.ndim == 2 else 2)
