"""The net whose activities are probabilities, and the rule derived from STDP in its forms."""

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from bioexp.models.stack import LayerMap, stack
from bioexp.ops import Ops
from bioexp.rules.gradient import above_hidden
from bioexp.types import (
    Batch,
    Fraction,
    Layer,
    Learned,
    Metrics,
    Model,
    NonNegative,
    Objective,
    Params,
    Positive,
    Rule,
    State,
    Widths,
)

Rate = Num[Array, "..."] | Num[np.ndarray, "..."] | float
Curve = Callable[[Rate, Rate], Rate]
ADAM = 0.999  # decay of its second moment


# The rule, of the times T and dT, and of the rates x = 1 / T_pre and p = 1 / T_post.


def eq4(x: Rate, p: Rate) -> Rate:
    """dW = x p (x - p): Hebbian, and positive where the input is ahead. It has no singularity."""
    return x * p * (x - p)


def eq5(t_pre: Rate, dt: Rate) -> Rate:
    """dW = dT / (T_pre^2 (T_pre + dT)^2), which is eq. 4 in times."""
    return dt / (t_pre**2 * (t_pre + dt) ** 2)


def eq6(t_pre: Rate, dt: Rate) -> Rate:
    """dW = dT / (T_pre^2 (T_pre - dT)^2): eq. 5 with the sign of dT turned, so that positive dT has
    the higher peak.
    """
    return dt / (t_pre**2 * (t_pre - dt) ** 2)


def eq7(x: Rate, p: Rate, eps: float = 0.0) -> Rate:
    """dW = x^3 p (x - p) / ((2p - x)^2 + eps), which is eq. 6 in rates; eps as in eq. 3."""
    return x**3 * p * (x - p) / ((2 * p - x) ** 2 + eps)


def stdp_net(
    shape: tuple[int, ...],
    classes: int,
    *,
    hidden: Widths = (32, 16),
    descent: NonNegative = 0.0,
) -> Model:
    """Sigmoid units throughout (section 2), one output for two classes and one a class for more;
    logits are its drive u.

    hidden: units of each hidden layer, from input to output; [] has none.
    descent: how much lower the biases of each layer start than those of the layer below; the first
        layer's start at 0.
    """
    outputs = 1 if classes == 2 else classes
    sizes = [prod(shape), *hidden, outputs]
    *below, (inputs, units) = pairwise(sizes)
    top = -descent * len(below)
    return stack(
        [
            *(_rates(*size, -descent * number) for number, size in enumerate(below)),
            _drive(inputs, units, top),
        ]
    )


def _rates(inputs: int, units: int, bias: float) -> LayerMap:
    """u = x w' + b, z = sigmoid(u)."""

    def apply(params: Params, x: Float[Array, "batch inputs"], ops: Ops, number: int) -> Layer:
        u = ops.linear(number, params["w"], x) + params["b"]
        return Layer(x, u, ops.nonlinear(number, jax.nn.sigmoid, u))

    return LayerMap(_start(inputs, units, bias), apply)


def _drive(inputs: int, units: int, bias: float) -> LayerMap:
    """u = x w' + b; logits are u, or (0, u) of one unit (deviation 4). Its rate is sigmoid(u)."""

    def apply(params: Params, x: Float[Array, "batch inputs"], ops: Ops, number: int) -> Layer:
        u = ops.linear(number, params["w"], x) + params["b"]
        return Layer(x, u, jnp.concatenate([jnp.zeros_like(u), u], axis=1) if units == 1 else u)

    return LayerMap(_start(inputs, units, bias), apply)


def _start(inputs: int, units: int, bias: float) -> Callable[[Key[Array, ""]], Params]:
    limit = inputs**-0.5
    return lambda key: {
        "w": jax.random.uniform(key, (units, inputs), minval=-limit, maxval=limit),
        "b": jnp.full(units, bias),
    }


# Associations Z: what each unit wants of each class.

Wanted = Float[Array, "classes units"]
Top = Float[Array, "classes outputs"]


def of_outputs(outputs: int, others: float | None = None) -> Wanted:
    """Z of the output layer: +1 for y = 1 and -1 for y = 0; with one output a class +1 for its own
    and -others for each other.

    others: None for 1/(classes - 1), with which every unit is wanted as much as not.
    """
    if outputs == 1:
        return jnp.array([[-1.0], [1.0]])
    away = 1 / (outputs - 1) if others is None else others
    return jnp.eye(outputs) * (1 + away) - away


def balanced(top: Top, units: int, key: Key[Array, ""]) -> Wanted:
    """Z of a hidden layer, fixed: its units take the outputs' rows in turn, with + and - in turn,
    and are then shuffled.
    """
    outputs = top.shape[1]
    place = jax.random.permutation(key, units)
    return top[:, place % outputs] * (1.0 - 2.0 * (place // outputs % 2))


def codes(top: Top, units: int, key: Key[Array, ""]) -> Wanted:
    """Z of a hidden layer, fixed: every unit wants a random half of the classes."""
    half = jnp.where(jnp.arange(len(top)) < (len(top) + 1) // 2, 1.0, -1.0)
    return jax.vmap(lambda own: jax.random.permutation(own, half), out_axes=1)(
        jax.random.split(key, units)
    )


def propagated(top: Top, params: Params) -> dict[str, Wanted]:
    """Z of every layer from the weights: the sign of the next layer's Z times the weights between
    them (section 2).
    """
    z = {}
    for number in sorted(params["layers"], key=int, reverse=True):
        z[number] = top
        top = jnp.sign(top @ params["layers"][number]["w"])
    return z


class Associated(NamedTuple):
    """z: each layer's associations. peak: largest change of a weight since the last record.
    squared: as Adam keeps it, in each layer.
    """

    z: dict[str, Wanted]
    peak: Float[Array, ""]
    squared: Params


def stdp(
    model: Model,
    objective: Objective,
    *,
    eps: Positive = 1e-9,
    form: Literal["quotient", "product"] = "quotient",
    associations: Literal["balanced", "codes", "propagated"] = "balanced",
    others: Fraction | None = None,
) -> Rule:
    """dW = Z x^3 p (x - p) / ((2p - x)^2 + eps), mean over the minibatch (eq. 3); x, p = sigmoid(u)
    of one forward pass.

    The label reaches a layer as the sign of Z alone. The optimizer is fed the negative of dW, as in
    section 3. The objective is not used. It records the largest change of a weight, and the largest
    second moment that Adam has of one.

    eps: added to the denominator; 1e-9 as printed, 0.1 makes the rule stable.
    form: quotient, eq. 3; or product, x p (x - p) of eq. 4.
    associations: Z of hidden units: as many + as - (for more than two classes each unit's own class
        in turn); codes, a random half of the classes; or propagated, through the weights of the
        layers above at every step, which is not local.
    others: how much a unit of one class is driven off by each other one; null for 1/(classes - 1),
        which balances.
    """

    def curve(x: Rate, p: Rate) -> Rate:
        return eq4(x, p) if form == "product" else eq7(x, p, eps)

    def init(key: Key[Array, ""], params: Params, data: Batch, batch_size: int) -> Associated:
        if len(params["layers"]) > 1:
            above_hidden("stdp", params)
        numbers = sorted(params["layers"], key=int)
        units = {number: params["layers"][number]["w"].shape[0] for number in numbers}
        top = of_outputs(units[numbers[-1]], others)
        draw = codes if associations == "codes" else balanced
        keys = jax.random.split(key, len(numbers))
        z = {
            number: draw(top, units[number], own) for number, own in zip(numbers, keys, strict=True)
        } | {numbers[-1]: top}
        return Associated(z, jnp.zeros(()), jax.tree.map(jnp.zeros_like, params))

    def update(params: Params, state: Associated, batch: Batch, key: Key[Array, ""]) -> Learned:
        logits, records = model.apply(params, batch.x)
        numbers = sorted(params["layers"], key=int)
        z = propagated(state.z[numbers[-1]], params) if associations == "propagated" else state.z
        grown = {
            number: growth(curve, layer.x, jax.nn.sigmoid(layer.u), z[number][batch.y])
            for number, layer in zip(numbers, records, strict=True)
        }
        direction = {"layers": jax.tree.map(jnp.negative, grown)}  # descend
        squared = jax.tree.map(lambda v, g: ADAM * v + (1 - ADAM) * g**2, state.squared, direction)
        peak = jnp.maximum(state.peak, largest(direction))
        right = jnp.mean(jnp.argmax(logits, axis=1) == batch.y)
        return Learned(direction, Associated(state.z, peak, squared), {"accuracy": right})

    def observe(params: Params, state: Associated) -> tuple[Metrics, State]:
        seen = {"peak_update": state.peak, "second_moment": largest(state.squared)}
        return seen, Associated(state.z, jnp.zeros(()), state.squared)

    return Rule(init, update, observe)


def growth(
    curve: Curve,
    x: Float[Array, "batch inputs"],
    p: Float[Array, "batch units"],
    z: Float[Array, "batch units"],
) -> Params:
    """dW and db of one layer: the mean over images of Z times the curve of each synapse; the bias
    has an input of 1.

    Image by image, so that no array of all synapses times all images is ever made: six times faster
    on a CPU.
    """

    def add(
        sums: tuple[Array, Array], image: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, Array], None]:
        x, p, z = image
        w, b = sums
        return (
            w + z[:, None] * curve(x[None], p[:, None]),
            b + z * curve(jnp.ones_like(p), p),
        ), None

    start = jnp.zeros((p.shape[1], x.shape[1])), jnp.zeros(p.shape[1])
    (w, b), _ = jax.lax.scan(add, start, (x, p, z))
    return {"w": w / len(x), "b": b / len(x)}


def largest(tree: Params) -> Float[Array, ""]:
    """The largest absolute value there is."""
    return jnp.stack([jnp.abs(leaf).max() for leaf in jax.tree.leaves(tree)]).max()
