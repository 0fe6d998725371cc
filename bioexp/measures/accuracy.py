"""Right or wrong, and by how much, example by example: nothing is averaged before it has to be."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num

from bioexp.heads import right
from bioexp.training import as_float
from bioexp.types import Apply, Batch, Objective, Params


def correct(
    apply: Apply,
    params: Params,
    x: Num[np.ndarray, "n *shape"],
    y: Int[np.ndarray, "n *labels"],
    heads: int = 1,
) -> Bool[np.ndarray, "seeds n *labels"]:
    """Whether each example is classified as labeled, for each seed of a group (the leading axis of
    params).

    The largest logit wins, of those in the head of the label; a tie goes to the lower class, as
    argmax has it.
    """
    return np.asarray(_correct(apply, heads, params, jnp.asarray(x), jnp.asarray(y)))


def losses(
    apply: Apply,
    objective: Objective,
    params: Params,
    x: Num[np.ndarray, "n *shape"],
    y: Int[np.ndarray, "n"],
) -> Float[np.ndarray, "seeds n"]:
    """The objective's loss of each example, for each seed of a group (params' leading axis)."""
    return np.asarray(
        _losses(apply, objective, params, jnp.asarray(x), jnp.asarray(y)), dtype=np.float64
    )


@partial(jax.jit, static_argnums=(0, 1))
def _losses(
    apply: Apply,
    objective: Objective,
    params: Params,
    x: Num[Array, "n *shape"],
    y: Int[Array, "n"],
) -> Float[Array, "seeds n"]:
    def of_seed(params: Params) -> Float[Array, "n"]:
        def of_example(example: Batch) -> Float[Array, ""]:
            batch = Batch(as_float(example.x)[None], example.y[None])
            target = batch.y if objective.target is None else objective.target(batch)
            return objective.per_example(apply(params, batch.x)[0], target)[0]

        return jax.lax.map(of_example, Batch(x, y), batch_size=min(1000, len(x)))

    return jax.vmap(of_seed)(params)


@partial(jax.jit, static_argnums=(0, 1))
def _correct(
    apply: Apply, heads: int, params: Params, x: Num[Array, "n *shape"], y: Int[Array, "n *labels"]
) -> Bool[Array, "seeds n *labels"]:
    def of_seed(params: Params) -> Bool[Array, "n *labels"]:
        def of_example(example: Batch) -> Bool[Array, "*labels"]:
            return right(apply(params, as_float(example.x)[None])[0], example.y[None], heads)[0]

        return jax.lax.map(of_example, Batch(x, y), batch_size=min(1000, len(x)))

    return jax.vmap(of_seed)(params)
