"""How much weight vectors look like the classes they stand for."""

import numpy as np
from jaxtyping import Float, Int, Num


def class_means(
    x: Num[np.ndarray, "n *shape"], y: Int[np.ndarray, "n"], classes: int
) -> Float[np.ndarray, "classes inputs"]:
    """Mean example of each class, flattened; bytes count as numbers, since correlations do not
    depend on scale.
    """
    flat = x.reshape(len(x), -1)
    return np.stack([flat[y == label].mean(axis=0, dtype=np.float64) for label in range(classes)])


def correlations(
    w: Float[np.ndarray, "units inputs"], means: Float[np.ndarray, "classes inputs"]
) -> Float[np.ndarray, "units classes"]:
    """Pearson's correlation over inputs of every unit's weights with every class mean; 0 for a
    constant weight vector.
    """

    def standardized(a: Float[np.ndarray, "rows inputs"]) -> Float[np.ndarray, "rows inputs"]:
        centered = a - a.mean(axis=1, keepdims=True)
        size = np.linalg.norm(centered, axis=1, keepdims=True)
        return centered / np.where(size > 0, size, 1)

    return standardized(np.asarray(w, dtype=np.float64)) @ standardized(means).T


def prototype_score(
    w: Float[np.ndarray, "units inputs"], means: Float[np.ndarray, "classes inputs"]
) -> float:
    """Mean over units of the best correlation with a class mean: 1 for the class means."""
    return float(correlations(w, means).max(axis=1).mean())
