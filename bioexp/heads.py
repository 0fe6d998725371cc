"""Several classifiers on one network: its logits fall into heads of equally many classes, one after
the other.

Labels are numbered through all heads, so that a label says by itself which head it belongs to. An
example has one label, shape (batch,), or one of each task, shape (batch, labels).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Logits = Float[Array, "batch classes"]


def right(
    logits: Logits, y: Int[Array, "batch *labels"], heads: int = 1
) -> Bool[Array, "batch *labels"]:
    """Whether each label has the largest logit of its head; a tie goes to the lower class."""
    size = logits.shape[1] // heads
    named = jnp.argmax(logits.reshape(len(logits), heads, size), axis=2) + size * jnp.arange(heads)
    labels = y.reshape(len(y), -1)
    return (jnp.take_along_axis(named, labels // size, axis=1) == labels).reshape(y.shape)


def cross_entropy(
    logits: Logits, y: Int[Array, "batch *labels"], heads: int = 1
) -> Float[Array, "batch"]:
    """-log of the softmax within the label's head, in nats; the mean over an example's labels."""
    within = jax.nn.log_softmax(logits.reshape(len(logits), heads, -1), axis=2).reshape(
        logits.shape
    )
    return -jnp.take_along_axis(within, y.reshape(len(y), -1), axis=1).mean(axis=1)


def together(logits: Logits, heads: int) -> Float[Array, "batch answers"]:
    """One logit for each combination of the heads' classes, the sum of theirs: a single classifier
    that is right when all are.

    Its softmax cross-entropy is the sum of the heads', and its margin the least of theirs. The
    first head's class counts most.
    """
    first, *others = jnp.split(logits, heads, axis=1)
    for other in others:
        first = (first[:, :, None] + other[:, None, :]).reshape(len(logits), -1)
    return first


def answer(y: Int[np.ndarray, "batch heads"], size: int) -> Int[np.ndarray, "batch"]:
    """The number of the combination that an example's labels make, as `together` counts; size:
    classes of a head.
    """
    numbers = np.arange(y.shape[1])
    return ((y - size * numbers) * size ** numbers[::-1]).sum(axis=1).astype(np.int32)
