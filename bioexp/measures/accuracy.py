"""Right or wrong, example by example: nothing is averaged before it has to be."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Num

from bioexp.training import as_float
from bioexp.types import Apply, Params


def correct(apply: Apply, params: Params, x: Num[np.ndarray, "n *shape"], y: Int[np.ndarray, "n"]) -> Bool[np.ndarray, "seeds n"]:
    """Whether each example is classified as labelled, for each seed of a group (the leading axis of params).

    The largest logit wins; a tie goes to the lower class, as argmax has it.
    """
    return np.asarray(_correct(apply, params, jnp.asarray(x), jnp.asarray(y)))


@partial(jax.jit, static_argnums=0)
def _correct(apply: Apply, params: Params, x: Num[Array, "n *shape"], y: Int[Array, "n"]) -> Bool[Array, "seeds n"]:
    def predicted(params: Params) -> Int[Array, "n"]:
        def one(image: Num[Array, "*shape"]) -> Int[Array, ""]:
            return jnp.argmax(apply(params, as_float(image)[None])[0][0])

        return jax.lax.map(one, x, batch_size=min(1000, len(x)))

    return jax.vmap(predicted)(params) == y
