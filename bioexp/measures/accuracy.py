"""Right or wrong, and by how much, example by example: nothing is averaged before it has to be."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num

from bioexp.training import as_float
from bioexp.types import Apply, Batch, Objective, Params


def correct(apply: Apply, params: Params, x: Num[np.ndarray, "n *shape"], y: Int[np.ndarray, "n"]) -> Bool[np.ndarray, "seeds n"]:
    """Whether each example is classified as labelled, for each seed of a group (the leading axis of params).

    The largest logit wins; a tie goes to the lower class, as argmax has it.
    """
    return np.asarray(_correct(apply, params, jnp.asarray(x), jnp.asarray(y)))


def losses(
    apply: Apply, objective: Objective, params: Params, x: Num[np.ndarray, "n *shape"], y: Int[np.ndarray, "n"]
) -> Float[np.ndarray, "seeds n"]:
    """The objective's loss of each example, for each seed of a group (the leading axis of params)."""
    return np.asarray(_losses(apply, objective, params, jnp.asarray(x), jnp.asarray(y)), dtype=np.float64)


@partial(jax.jit, static_argnums=(0, 1))
def _losses(apply: Apply, objective: Objective, params: Params, x: Num[Array, "n *shape"], y: Int[Array, "n"]) -> Float[Array, "seeds n"]:
    def of(params: Params) -> Float[Array, "n"]:
        def one(example: Batch) -> Float[Array, ""]:
            batch = Batch(as_float(example.x)[None], example.y[None])
            target = batch.y if objective.target is None else objective.target(batch)
            return objective.per_example(apply(params, batch.x)[0], target)[0]

        return jax.lax.map(one, Batch(x, y), batch_size=min(1000, len(x)))

    return jax.vmap(of)(params)


@partial(jax.jit, static_argnums=0)
def _correct(apply: Apply, params: Params, x: Num[Array, "n *shape"], y: Int[Array, "n"]) -> Bool[Array, "seeds n"]:
    def predicted(params: Params) -> Int[Array, "n"]:
        def one(image: Num[Array, "*shape"]) -> Int[Array, ""]:
            return jnp.argmax(apply(params, as_float(image)[None])[0][0])

        return jax.lax.map(one, x, batch_size=min(1000, len(x)))

    return jax.vmap(predicted)(params) == y
