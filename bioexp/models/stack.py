"""A model from its layers: the one place that walks through a network."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
from jaxtyping import Array, Float, Key, Num

from bioexp.ops import Ops, exact
from bioexp.types import Layer, Model, Params

Forward = tuple[Float[Array, "batch classes"], tuple[Layer, ...]]


class LayerMap(NamedTuple):
    """One layer: init(key) -> its params, apply(params, x, ops, number) -> Layer."""

    init: Callable[[Key[Array, ""]], Params]
    apply: Callable[[Params, Float[Array, "batch inputs"], Ops, int], Layer]


def stack(layers: Sequence[LayerMap]) -> Model:
    """The network that feeds each layer's activity to the next; the last activity is the logits.
    Images are flattened.
    """

    def init(key: Key[Array, ""]) -> Params:
        keys = jax.random.split(key, len(layers))
        return {
            "layers": {
                str(i): layer.init(layer_key)
                for i, (layer, layer_key) in enumerate(zip(layers, keys, strict=True))
            }
        }

    def apply(
        params: Params, x: Num[Array, "batch *shape"], ops: Ops = exact, start: int = 0
    ) -> Forward:
        z = x.reshape(len(x), -1)
        records = []
        for number, layer in enumerate(layers[start:], start):
            records.append(layer.apply(params["layers"][str(number)], z, ops, number))
            z = records[-1].z
        return z, tuple(records)

    return Model(init, apply)


def above(model: Model, start: int) -> Model:
    """The part of a model from layer `start` on, whose input is that layer's."""
    return Model(
        model.init, lambda params, x, ops=exact, first=0: model.apply(params, x, ops, start + first)
    )


def glorot(key: Key[Array, ""], units: int, inputs: int) -> Float[Array, "units inputs"]:
    """Uniform in +-sqrt(6 / (units + inputs)) (Glorot & Bengio 2010)."""
    limit = (6.0 / (units + inputs)) ** 0.5
    return jax.random.uniform(key, (units, inputs), minval=-limit, maxval=limit)
