"""From runs to one number a seed: how the claims of every document pick their runs and measure them.

Measures look at test images, and nothing is chosen by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from bioexp.files import read_arrays
from bioexp.measures.accuracy import correct
from bioexp.measures.prototypes import class_means
from bioexp.tree import unflatten
from bioexp.types import Evidence, Params, Trained, UserError

Measure = Callable[[Evidence], Sequence[float]]
EPS = 0.1  # at which robustness is compared


def runs(evidence: Evidence, config: str, where: Mapping[str, Any] | None = None) -> list[Trained]:
    """The runs of a config, one a seed; of one with axes those whose config holds these values, by dotted path."""
    return [one for one in evidence[config] if all(_value(one.run.config, path) == value for path, value in (where or {}).items())]


def each(config: str, measure: Callable[[Trained], float], where: Mapping[str, Any] | None = None) -> Measure:
    """The measure of every seed of a config, or of one combination of its axes."""
    return lambda evidence: [measure(trained) for trained in runs(evidence, config, where)]


def less(first: Measure, second: Measure) -> Measure:
    """The difference, seed by seed."""
    return lambda evidence: [a - b for a, b in zip(first(evidence), second(evidence), strict=False)]


def weights(trained: Trained, layer: int) -> Float[np.ndarray, "units inputs"]:
    return np.asarray(trained.params["layers"][str(layer)]["w"], dtype=np.float64)


def snapshots(trained: Trained) -> dict[int, Params]:
    """A run's weights by step. Raises UserError where its config asked for none."""
    files = sorted((trained.run.path / "snapshots").glob("*.npz"), key=lambda file: int(file.stem))
    if not files:
        raise UserError(f"{trained.run.name}: has no snapshots to draw or measure; its config needs `snapshots: [...]`")
    return {int(file.stem): unflatten(read_arrays(file)) for file in files}


def pixels(trained: Trained, n: int | None = None) -> Float[np.ndarray, "n inputs"]:
    """The first n test images, flat and in [0, 1]."""
    x = trained.dataset.x_test[:n]
    return x.reshape(len(x), -1).astype(np.float64) / 255


def means(trained: Trained) -> Float[np.ndarray, "classes inputs"]:
    """Mean training image of each class."""
    return class_means(trained.dataset.x_train, trained.dataset.y_train, trained.dataset.n_classes)


def accuracy(trained: Trained) -> float:
    """Test accuracy, as the run recorded it."""
    return float(trained.run.summary["test_accuracy"])


def grouped(trained: Trained) -> Params:
    """The weights as those of a group of one seed."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], trained.params)


def survivors(trained: Trained, eps: float) -> Bool[np.ndarray, "n"]:
    """Which test images survive every attack at this eps."""
    return np.logical_and.reduce([found.correct[found.eps.index(eps)] for found in trained.attacks.values()])


def survived(trained: Trained) -> float:
    """Share of the images classified rightly when clean that survive every attack, mean over the eps of the profile."""
    worst = np.min([attacked.correct for attacked in trained.attacks.values()], axis=0)
    n = worst.shape[1]
    clean = correct(trained.model.apply, grouped(trained), trained.dataset.x_test[:n], trained.dataset.y_test[:n]).mean()
    return float(worst.mean() / max(clean, 1 / n))


def robust(trained: Trained) -> float:
    """Robust accuracy at eps 0.1: the mean over images of the minimum over attacks."""
    return float(survivors(trained, EPS).mean())


def _value(config: Mapping[str, Any], path: str) -> Any:
    node: Any = config
    for part in path.split("."):
        node = node[int(part)] if isinstance(node, Sequence) and not isinstance(node, str) else node[part]
    return node
