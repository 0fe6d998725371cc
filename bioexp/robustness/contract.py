"""The gradient contract: attacks follow the derivative of the forward pass that is deployed, and
that is always the same.

Two checks of `bioexp.robustness.flags`: S10 on the forward pass, S12 on its derivative.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bioexp import ops
from bioexp.robustness.checks import Evidence, Finding
from bioexp.robustness.evaluate import Apply, Net, logits
from bioexp.types import Params

POINTS = 32  # images at which the derivative is tried, each along one random direction
STEP = 1e-5  # Euclidean length of the finite difference, in float64
TOLERANCE = 1e-3  # of a derivative's size
# of the points where derivative and difference may part, as a kink can hide between three values
SHARE = 0.05
RANDOM = ("random_bits", "threefry2x32", "rng_bit_generator", "rng_uniform")


class Slopes(NamedTuple):
    """At each point along its direction: the derivative, the differences ahead and behind, and what
    a slope is measured by.
    """

    derivative: Float[np.ndarray, "points"]
    ahead: Float[np.ndarray, "points"]
    behind: Float[np.ndarray, "points"]
    scale: Float[np.ndarray, "points"]


def forward_is_random(evidence: Evidence) -> Finding:
    """S10: two calls give different logits, or the traced forward pass draws random numbers;
    expectation over it is not used.
    """
    few = evidence.net.first(256)
    first, second = logits(few), logits(few)
    apart = np.abs(first - second).max() > 1e-5 * np.abs(first).max()
    drawn = sorted({name for name in map(_primitive, _equations(_traced(few))) if name in RANDOM})
    if apart:
        return (
            (),
            (
                "two calls on the same images give different logits: the attacks saw one net and"
                " the test another"
            ),
        )
    return (
        (
            (),
            (
                f"the forward pass draws random numbers ({', '.join(drawn)}): the gradient is that"
                " of one draw"
            ),
        )
        if drawn
        else None
    )


def gradient_is_another(evidence: Evidence) -> Finding:
    """S12: the traced program holds a replaced backward of ops.py, or its derivative is not that of
    its values.

    Directional derivatives of random sums of the logits against central differences in float64, at
    points between a test image and plain grey. A point where the differences ahead and behind are
    not the same lies on a kink and does not count.
    """
    replaced = [eqn for eqn in _equations(_traced(evidence.net.first(1))) if _is_replaced(eqn)]
    if replaced:
        return (
            (),
            (
                f"the backward pass of {len(replaced)}"
                f" operation{'s is' if len(replaced) > 1 else ' is'} replaced by the rule's own"
            ),
        )
    found = slopes(evidence.net.first(POINTS))
    smooth = np.abs(found.ahead - found.behind) <= TOLERANCE * found.scale
    if smooth.sum() < len(smooth) / 4:
        return (
            f"only {smooth.sum()} of {len(smooth)} points lie away from kinks: finite differences"
            " tell nothing"
        )
    central = (found.ahead + found.behind) / 2
    wrong = smooth & ~(np.abs(found.derivative - central) <= TOLERANCE * found.scale)
    sentence = (
        f"at {wrong.sum()} of {smooth.sum()} points the derivative is not what finite differences"
        " of the logits say"
    )
    return ((), sentence) if wrong.sum() > SHARE * smooth.sum() else None


def slopes(net: Net) -> Slopes:
    """Derivative and differences at one point for each image."""
    rng = np.random.default_rng(0)
    clean = net.images / (255.0 if net.images.dtype == np.uint8 else 1.0)
    x = clean + (0.5 - clean) * rng.uniform(0, 0.2, clean.shape)
    v = rng.standard_normal(x.shape)
    v /= np.sqrt((v.reshape(len(v), -1) ** 2).sum(1)).reshape(-1, *[1] * (v.ndim - 1))
    mix = rng.standard_normal((len(x), logits(net.first(1)).shape[1]))
    with jax.enable_x64(True):
        params = jax.tree.map(
            lambda w: np.asarray(w, np.float64) if np.issubdtype(w.dtype, np.floating) else w,
            net.params,
        )
        return Slopes(*(np.asarray(part) for part in _slopes(net.apply, params, x, v, mix)))


@partial(jax.jit, static_argnames="apply")
def _slopes(
    apply: Apply,
    params: Params,
    x: Float[Array, "points *shape"],
    v: Float[Array, "points *shape"],
    mix: Float[Array, "points classes"],
) -> tuple[
    Float[Array, "points"], Float[Array, "points"], Float[Array, "points"], Float[Array, "points"]
]:
    def one(x: Array, v: Array, mix: Array) -> tuple[Array, Array, Array, Array]:
        def value(z: Array) -> Array:
            return mix @ apply(params, z[None])[0]

        here, gradient = jax.value_and_grad(value)(x)
        derivative, ahead, behind = (
            jnp.sum(gradient * v),
            value(x + STEP * v) - here,
            here - value(x - STEP * v),
        )
        typical = jnp.sqrt(jnp.sum(gradient**2) / x.size)
        sizes = jnp.stack([typical, jnp.abs(derivative), jnp.abs(ahead + behind) / 2 / STEP])
        return derivative, ahead / STEP, behind / STEP, sizes.max()

    return jax.vmap(one)(x, v, mix)


def _traced(net: Net) -> Any:
    """The forward pass as a program of JAX's primitives."""
    images = jax.ShapeDtypeStruct(net.images.shape, jnp.float32)
    return jax.make_jaxpr(net.apply)(net.params, images).jaxpr


def _equations(program: Any) -> Iterator[Any]:
    """Every equation, those of inner programs (loops, branches, custom rules) as well."""
    for eqn in program.eqns:
        yield eqn
        for inner in jax.tree.leaves(list(eqn.params.values()), is_leaf=_is_program):
            if _is_program(inner):
                yield from _equations(getattr(inner, "jaxpr", inner))


def _is_program(node: Any) -> bool:
    return hasattr(node, "eqns") or hasattr(getattr(node, "jaxpr", None), "eqns")


def _primitive(eqn: Any) -> str:
    return str(eqn.primitive.name)


def _is_replaced(eqn: Any) -> bool:
    """Whether this is a custom_vjp of ops.py, by the module of its backward pass."""
    backward = eqn.params.get("bwd")
    return getattr(getattr(backward, "f", backward), "__module__", "") == ops.__name__
