"""How much weight vectors look like the classes they stand for, beyond what all classes share: any
bright blob in the middle of an image correlates with the mean image of every digit.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Num

NOTHING = 1e-9  # of a vector's size, below which nothing of it is left


class ClassMeans(NamedTuple):
    """Mean example of each class, and of all examples."""

    classes: Float[np.ndarray, "classes inputs"]
    overall: Float[np.ndarray, "inputs"]


def class_means(
    x: Num[np.ndarray, "n *shape"], y: Int[np.ndarray, "n"], classes: int
) -> ClassMeans:
    """Of flattened examples; bytes count as numbers, since correlations do not depend on scale."""
    flat = x.reshape(len(x), -1)
    means = [flat[y == label].mean(axis=0, dtype=np.float64) for label in range(classes)]
    return ClassMeans(np.stack(means), flat.mean(axis=0, dtype=np.float64))


def correlations(
    w: Float[np.ndarray, "units inputs"], means: ClassMeans
) -> Float[np.ndarray, "units classes"]:
    """Correlation over inputs of every unit's weights with every class mean, once the constant and
    the overall mean are projected out of both; 0 for weights of which nothing is left.
    """
    overall = means.overall - means.overall.mean()
    overall = overall / max(float(np.linalg.norm(overall)), np.finfo(float).tiny)

    def standardized(a: Float[np.ndarray, "rows inputs"]) -> Float[np.ndarray, "rows inputs"]:
        centered = a - a.mean(axis=1, keepdims=True)
        left = centered - np.outer(centered @ overall, overall)
        whole, size = (np.linalg.norm(rows, axis=1, keepdims=True) for rows in (centered, left))
        return np.where(size > NOTHING * whole, left / np.where(size > 0, size, 1), 0)

    return standardized(np.asarray(w, dtype=np.float64)) @ standardized(means.classes).T


def prototype_score(w: Float[np.ndarray, "units inputs"], means: ClassMeans) -> float:
    """Mean over units of the best correlation with a class mean: 1 for the class means, 0 for the
    overall mean.
    """
    return float(correlations(w, means).max(axis=1).mean())
