"""DeepFool: the smallest Euclidean change that the net's answer does not survive."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from bioexp.types import Attack, Count, Logits, NonNegative

# added to the length of a step, as in the authors' program, so that a search does not rest on the
# boundary itself
EDGE = 1e-4


def deepfool(*, steps: Count = 50, overshoot: NonNegative = 0.02) -> Attack:
    """Step to the nearest class boundary of the linearized net until the label is no longer the
    answer.

    Moosavi-Dezfooli et al. 2016, algorithm 2: with f_k the logits less that of the label and w_k
    their gradients,
        k = argmin |f_k| / |w_k|_2,   r <- r + |f_k| / |w_k|_2^2 w_k,
        z = clip(x + (1 + overshoot) r).
    What counts is the length of the change, with the overshoot that carries it past the boundary.

    steps: how often the net is linearized at most.
    overshoot: by what share the change is lengthened.
    """

    def perturb(
        logits: Logits,
        x: Float[Array, "*shape"],
        y: Int[Array, ""],
        eps: Float[Array, ""],
        key: Key[Array, ""],
    ) -> Float[Array, "*shape"]:
        def moved(r: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
            return jnp.clip(x + (1 + overshoot) * r, 0, 1)

        def going_on(state: tuple[Array, Array]) -> Array:
            number, r = state
            return (number < steps) & (logits(moved(r)).argmax() == y)

        def step(state: tuple[Array, Array]) -> tuple[Array, Array]:
            number, r = state
            z = moved(r)
            scores, w = logits(z), jax.jacrev(logits)(z).reshape(-1, x.size)
            f, w = scores - scores[y], w - w[y]
            size = jnp.maximum(jnp.sum(w**2, axis=1), jnp.finfo(x.dtype).tiny)
            distance = jnp.where(jnp.arange(len(f)) == y, jnp.inf, jnp.abs(f) / jnp.sqrt(size))
            nearest = distance.argmin()
            onward = (distance[nearest] + EDGE) / jnp.sqrt(size[nearest]) * w[nearest]
            return number + 1, r + onward.reshape(x.shape)

        return moved(jax.lax.while_loop(going_on, step, (jnp.int32(0), jnp.zeros_like(x)))[1])

    return Attack("l2", perturb, kind="nearest")
