"""What rules that descend a gradient, true or not, share: the loss, differentiated through
whatever backward pass a rule has.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bioexp.heads import right
from bioexp.ops import Ops, exact
from bioexp.types import Batch, Learned, Metrics, Model, Objective, Params, Rule, State, UserError

# By the number of the layer whose input it reaches.
Feedback = dict[int, Float[Array, "units inputs"]]


def descent(
    model: Model, objective: Objective, params: Params, batch: Batch, ops: Ops = exact
) -> tuple[Params, Metrics]:
    """Gradient of the mean loss over the minibatch plus the penalty, as this backward pass has it,
    and the loss and accuracy there.
    """

    def loss(params: Params) -> tuple[Float[Array, ""], Metrics]:
        outputs, _ = model.apply(params, batch.x, ops)
        target = batch.y if objective.target is None else objective.target(batch)
        value = jnp.mean(objective.per_example(outputs, target)) + objective.penalty(params)
        hits = (
            {}
            if objective.target is not None
            else {"accuracy": jnp.mean(right(outputs, batch.y, objective.heads))}
        )
        return value, {"loss": value} | hits

    gradient, metrics = jax.grad(loss, has_aux=True)(params)
    return gradient, metrics


def replaced(
    model: Model,
    objective: Objective,
    init: Callable[[Key[Array, ""], Params], State],
    ops: Callable[[Params, State], Ops],
) -> Rule:
    """The rule that descends the loss through a backward pass of its own, which depends on weights
    and state alone.
    """

    def update(params: Params, state: State, batch: Batch, key: Key[Array, ""]) -> Learned:
        gradient, metrics = descent(model, objective, params, batch, ops(params, state))
        return Learned(gradient, state, metrics)

    return Rule(lambda key, params, data, batch_size: init(key, params), update, ops=ops)


def above_hidden(name: str, params: Params) -> Feedback:
    """The weights w that carry errors to hidden layers, by layer number. Raises UserError where
    there are none.
    """
    layers = {int(number): layer for number, layer in params["layers"].items()}
    lowest = min(layers)
    if len(layers) < 2:
        raise UserError(
            f"name: {name} needs a hidden layer that learns, and only layers/{lowest} does;"
            " backprop will do"
        )
    without = [number for number, layer in layers.items() if "w" not in layer]
    if without:
        raise UserError(
            f"name: {name} needs a matrix w in every layer, and layers/{without[0]} has none"
        )
    return {number: layers[number]["w"] for number in sorted(layers) if number > lowest}


def read_out(gradient: Params) -> Params:
    """The gradient of the top layer alone; 0 for every layer below it."""
    top = max(gradient["layers"], key=int)
    return {
        "layers": {
            number: layer if number == top else jax.tree.map(jnp.zeros_like, layer)
            for number, layer in gradient["layers"].items()
        }
    }


def normal(key: Key[Array, ""], shapes: dict[int, tuple[int, ...]], scale: float) -> Feedback:
    """Feedback weights of these shapes, normal with mean 0 and standard deviation `scale`."""
    keys = jax.random.split(key, len(shapes))
    return {
        layer: scale * jax.random.normal(own, shape)
        for own, (layer, shape) in zip(keys, shapes.items(), strict=True)
    }


def unremembered(key: Key[Array, ""], params: Params, data: Batch, batch_size: int) -> State:
    """The state of a rule that has none."""
    return ()
