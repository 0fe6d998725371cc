"""The log network, its pieces by equation, and the heuristic of its control."""

from functools import partial
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from bioexp.models.stack import LayerMap, glorot, stack
from bioexp.ops import Activation, Ops
from bioexp.types import Batch, Count, Layer, Learned, Model, Objective, Params, Positive, Rule

FLOOR = 1e-7  # under the logarithm


def log_net(
    shape: tuple[int, ...],
    classes: int,
    *,
    hidden: Count = 100,
    signed: bool = False,
    log: bool = True,
    w1_below: Positive | None = None,
    w2_below: Positive | None = None,
) -> Model:
    """x2[j] = log(1/N sum_k w1[j,k] x1[k]), x3[i] = sum_j w2[i,j] x2[j].

    hidden: number of prototypes, the rows of w1.
    signed: the document's first formula, log|.| of weights of either sign; without it constrain
        both layers (`project: {layers/0: unit_interval, layers/1: non_negative}`).
    log: without it x2 is the bare projection 1/N sum_k w1[j,k] x1[k], which linearizes the net.
    w1_below, w2_below: initial weights are uniform up to here, from 0 or, if signed, from its
        negative; null is Glorot's limit.
    """
    inputs = prod(shape)

    def initial(key: Key[Array, ""], units: int, inputs: int, below: float | None) -> Params:
        w = (
            glorot(key, units, inputs)
            if below is None
            else jax.random.uniform(key, (units, inputs), minval=-below, maxval=below)
        )
        return {"w": w if signed else jnp.abs(w)}

    activation = partial(logarithm, signed=signed) if log else mean_projection
    return stack(
        [
            LayerMap(
                lambda key: initial(key, hidden, inputs, w1_below), partial(projections, activation)
            ),
            LayerMap(lambda key: initial(key, classes, hidden, w2_below), votes),
        ]
    )


def projections(
    activation: Activation, params: Params, x: Float[Array, "batch inputs"], ops: Ops, number: int
) -> Layer:
    """x2[j], from the mean over pixels of w1[j,k] x1[k]."""
    u = ops.linear(number, params["w"], x)
    return Layer(x, u, ops.nonlinear(number, lambda u: activation(u / x.shape[1]), u))


def logarithm(mean: Float[Array, "batch hidden"], *, signed: bool) -> Float[Array, "batch hidden"]:
    """log of the mean projection, or of its absolute value where weights have either sign."""
    return jnp.log((jnp.abs(mean) if signed else mean) + FLOOR)


def mean_projection(mean: Float[Array, "batch hidden"]) -> Float[Array, "batch hidden"]:
    """The mean projection itself: the net without its logarithm."""
    return mean


def votes(params: Params, x: Float[Array, "batch hidden"], ops: Ops, number: int) -> Layer:
    """x3[i] = sum_j w2[i,j] x2[j]."""
    u = ops.linear(number, params["w"], x)
    return Layer(x, u, u)


class OwnImages(NamedTuple):
    """The images that each prototype learns from."""

    x: Float[Array, "units images inputs"]


def own_images(model: Model, objective: Objective, *, images: Count = 20) -> Rule:
    """The control heuristic: prototype j descends -x2[j], on images of its own that all have label
    j mod 10.

    Written out, the direction is -mean_s x_s / (w1[j].x_s): a weight grows wherever a pixel is lit,
    less where the prototype already sees much. Nothing but the choice of images tells a prototype
    of its class.

    images: how many each prototype keeps, all of them used at every step whatever the batch size;
        the sets of a class overlap when it has fewer images than its prototypes ask for.
    """

    def init(key: Key[Array, ""], params: Params, data: Batch, batch_size: int) -> OwnImages:
        units, classes = len(params["layers"]["0"]["w"]), len(params["layers"]["1"]["w"])
        shuffled = jax.random.permutation(key, len(data.y))
        per_class = -(-units // classes) * images
        chosen = jnp.stack(
            [_members(data.y[shuffled] == label, per_class) for label in range(classes)]
        )
        unit = jnp.arange(units)
        rows = chosen.reshape(classes, -1, images)[unit % classes, unit // classes]
        return OwnImages(data.x[shuffled[rows]].reshape(units, images, -1))

    def update(params: Params, state: OwnImages, batch: Batch, key: Key[Array, ""]) -> Learned:
        direction, loss = own_gradient(params["layers"]["0"]["w"], state.x)
        return Learned({"layers": {"0": {"w": direction}}}, state, {"loss": loss})

    return Rule(init, update)


def own_gradient(
    w: Float[Array, "units inputs"], x: Float[Array, "units images inputs"]
) -> tuple[Float[Array, "units inputs"], Float[Array, ""]]:
    """Gradient of -x2[j], mean over the prototype's own images, and its value, mean over
    prototypes.
    """
    seen = jnp.einsum("jsk,jk->js", x, w) / w.shape[1] + FLOOR
    growth = jnp.einsum("jsk,js->jk", x / w.shape[1], 1 / seen) / x.shape[1]
    return -growth, -jnp.mean(jnp.log(seen))  # descend


def _members(chosen: Bool[Array, "n"], count: int) -> Int[Array, "count"]:
    """Places of the first `count` true entries, from the beginning again where there are fewer."""
    places = jnp.nonzero(chosen, size=count, fill_value=0)[0]
    return places[jnp.arange(count) % jnp.minimum(chosen.sum(), count)]
