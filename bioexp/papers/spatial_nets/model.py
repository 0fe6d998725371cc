"""The spatial net, its penalties, and how its neurons are dealt out."""

from itertools import pairwise
from math import prod
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from bioexp.datasets.several import parts
from bioexp.heads import cross_entropy
from bioexp.models.mlp import ACTIVATIONS
from bioexp.models.stack import Forward, LayerMap, stack
from bioexp.ops import Activation, Ops, exact
from bioexp.rules.backprop import backprop
from bioexp.types import (
    Batch,
    Count,
    Layer,
    Learned,
    Model,
    Natural,
    NonNegative,
    Objective,
    Params,
    Rule,
    State,
    UserError,
    Widths,
)

Positions = Float[Array, "units 2"]
Groups = dict[int, Int[np.ndarray, "units"]]  # by layer: which task each of its neurons belongs to

# Section 2: costs.


def distances(
    here: Positions, there: Float[Array, "others 2"], floor: float
) -> Float[Array, "units others"]:
    """||p(n1) - p(n2)||, in units of the plane; `floor` is added below the root, whose slope at 0
    is infinite.
    """
    apart = [(here[:, None, axis] - there[None, :, axis]) ** 2 for axis in (0, 1)]
    return jnp.sqrt(apart[0] + apart[1] + floor)


def transport(
    w: Float[Array, "units inputs"],
    here: Positions,
    below: Float[Array, "inputs 2"],
    *,
    printed: bool = False,
) -> Array:
    """T(l), the sum over connections of |a| ||p(n1) - p(n2)||: over N_l as printed, or their mean
    (deviation 1).
    """
    total = jnp.sum(jnp.abs(w) * distances(here, below, 1e-12))
    return total / (len(w) if printed else w.size)


def density(here: Positions) -> Float[Array, ""]:
    """V(l) = 1/N_l^2 sum over n1, n2 of exp(-||p(n1) - p(n2)||), n1 = n2 included."""
    return jnp.mean(jnp.exp(-distances(here, here, 1e-8)))


def spatial_cross_entropy(
    *,
    heads: Count = 2,
    alpha: NonNegative = 1.0,
    beta: NonNegative = 3.0,
    transport_as: Literal["mean", "printed"] = "mean",
    layers: tuple[Natural, ...] = (2, 3, 4),
) -> Objective:
    """L_spatial = L + 1/|layers| sum over these of alpha T(l) + beta V(l); L the cross-entropy of
    each head, mean over labels.

    heads: tasks; the outputs are divided into as many classifiers. 1 is the plain cross-entropy.
    alpha: price of transport. beta: price of density. With both 0 it is the regular network's loss.
    transport_as: T(l) as the mean over connections, or divided by N_l as printed.
    layers: numbers of the layers that pay, from 0; each needs one below it, whose neurons have
        positions.
    """

    def penalty(params: Params) -> Float[Array, ""]:
        if not alpha and not beta:
            return jnp.zeros(())
        costs = []
        for number in layers:
            here, below = (params["layers"].get(str(n), {}) for n in (number, number - 1))
            if "p" not in here or "p" not in below:
                raise UserError(
                    f"objective.layers: {number} and the layer below it need positions p; use the"
                    " model spatial_net"
                )
            length = transport(here["w"], here["p"], below["p"], printed=transport_as == "printed")
            costs.append(alpha * length + beta * density(here["p"]))
        return jnp.mean(jnp.stack(costs)) if costs else jnp.zeros(())

    return Objective(lambda logits, y: cross_entropy(logits, y, heads), penalty, heads=heads)


# The network.


def spatial_net(
    shape: tuple[int, ...],
    classes: int,
    *,
    hidden: Widths = (128, 128, 128, 256),
    activation: Literal["sigmoid", "relu", "tanh", "linear"] = "sigmoid",
    mixed: Count = 1,
) -> Model:
    """Fully connected, n-128-128-128-256-20, every neuron with a position p in the plane of its
    layer; linear logits.

    hidden: neurons of each hidden layer, from input to output. activation: what follows every
        hidden layer.
    mixed: how many examples that stand side by side are added up before the first layer (section 3,
        mixed inputs); 1 leaves them.

    Raises UserError where the example's width is no multiple of `mixed`.
    """
    if shape[0 if len(shape) == 1 else 1] % mixed:
        raise UserError(
            f"mixed: {mixed} examples side by side cannot be {shape} in size; use the dataset"
            " concatenation"
        )
    sizes = [prod(shape) // mixed, *hidden, classes]
    activations = [ACTIVATIONS[activation]] * len(hidden) + [ACTIVATIONS["linear"]]
    net = stack(
        [
            placed(inputs, units, f)
            for (inputs, units), f in zip(pairwise(sizes), activations, strict=True)
        ]
    )

    def apply(
        params: Params, x: Num[Array, "batch *shape"], ops: Ops = exact, start: int = 0
    ) -> Forward:
        return net.apply(
            params, sum(parts(x, mixed)) if mixed > 1 and start == 0 else x, ops, start
        )

    return Model(net.init, apply)


def turned_net(
    shape: tuple[int, ...], classes: int, *, hidden: Widths = (128, 128, 128, 256)
) -> Model:
    """The spatial net on (a + b) / sqrt(2) and (a - b) / sqrt(2) of two images side by side: all
    that they say, at the same length, but no input belongs to one task. Vectors are inputs of its
    first layer, turned already.

    hidden: neurons of each hidden layer, from input to output.

    Raises UserError for examples that are no images, or of odd width.
    """
    if len(shape) != 2 or shape[1] % 2:
        raise UserError(
            f"turned_net: needs two images side by side, got {shape}; use the dataset concatenation"
        )
    net = spatial_net(shape, classes, hidden=hidden)

    def apply(
        params: Params, x: Num[Array, "batch *shape"], ops: Ops = exact, start: int = 0
    ) -> Forward:
        return net.apply(params, turned(x) if x.ndim == 3 else x, ops, start)

    return Model(net.init, apply)


def turned(x: Num[Array, "batch height width"]) -> Num[Array, "batch height width"]:
    """Sum and difference of two images side by side, over sqrt(2): a turn by 45 degrees."""
    first, second = parts(x, 2)
    return jnp.concatenate([first + second, first - second], axis=2) * 0.5**0.5


def placed(inputs: int, units: int, activation: Activation) -> LayerMap:
    """u = x w' + b, z = activation(u); p ~ N(0, 1), which only the penalties see."""
    limit = inputs**-0.5

    def init(key: Key[Array, ""]) -> Params:
        w_key, b_key, p_key = jax.random.split(key, 3)
        return {
            "w": jax.random.uniform(w_key, (units, inputs), minval=-limit, maxval=limit),
            "b": jax.random.uniform(b_key, (units,), minval=-limit, maxval=limit),
            "p": jax.random.normal(p_key, (units, 2)),
        }

    def apply(params: Params, x: Float[Array, "batch inputs"], ops: Ops, number: int) -> Layer:
        u = ops.linear(number, params["w"], x) + params["b"]
        return Layer(x, u, ops.nonlinear(number, activation, u))

    return LayerMap(init, apply)


def dealt_backprop(model: Model, objective: Objective) -> Rule:
    """Backprop on examples that stand side by side, dealt anew: in each minibatch all but the
    first's are shuffled (deviation 5).
    """
    inner = backprop(model, objective)

    def update(params: Params, state: State, batch: Batch, key: Key[Array, ""]) -> Learned:
        return inner.update(params, state, dealt(batch, key), key)

    return Rule(inner.init, update)


def dealt(batch: Batch, key: Key[Array, ""]) -> Batch:
    """The same examples with other neighbors; a label moves with its example."""
    count = 1 if batch.y.ndim == 1 else batch.y.shape[1]
    if count == 1:
        return batch
    orders = [
        jnp.arange(len(batch.y)),
        *(jax.random.permutation(own, len(batch.y)) for own in jax.random.split(key, count - 1)),
    ]
    images = jnp.concatenate(
        [own[order] for own, order in zip(parts(batch.x, count), orders, strict=True)],
        axis=1 if batch.x.ndim == 2 else 2,
    )
    return Batch(images, jnp.stack([batch.y[order, i] for i, order in enumerate(orders)], axis=1))


# Section 3: splitting.


def greedy(params: Params, heads: int, layers: tuple[int, ...] = (2, 3, 4)) -> Groups:
    """g(n) = the group i with the largest sum of |a_nm| over neurons m of the next layer with g(m)
    = i, from the outputs down.

    A tie goes to the lower group; outputs belong to their own task.
    """
    top = max(layers)
    groups = {top: of_outputs(params, heads, top)}
    for number in sorted(layers, reverse=True)[1:]:
        above = np.abs(np.asarray(params["layers"][str(number + 1)]["w"]))
        strength = [above[groups[number + 1] == group].sum(axis=0) for group in range(heads)]
        groups[number] = np.argmax(strength, axis=0)
    return groups


def of_outputs(params: Params, heads: int, top: int) -> Int[np.ndarray, "units"]:
    """The task of every output."""
    outputs = len(params["layers"][str(top)]["b"])
    return np.arange(outputs) // (outputs // heads)


def disabled(params: Params, groups: Groups, group: int, *, silent: bool = False) -> Params:
    """The network with the neurons of all other groups disabled: incoming weights 0 and biases kept
    (deviation 3).

    silent: instead they emit 0, which is to cut the weights that leave them; of outputs there are
        none.
    """
    layers = {number: dict(layer) for number, layer in params["layers"].items()}
    for number, owner in groups.items():
        off = owner != group
        if not silent:
            layers[str(number)]["w"] = np.where(off[:, None], 0, layers[str(number)]["w"])
        elif str(number + 1) in layers:
            layers[str(number + 1)]["w"] = np.where(off[None], 0, layers[str(number + 1)]["w"])
    return {"layers": layers}
