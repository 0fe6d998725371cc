"""What the Hebbian rules share: hidden layers that learn from their own inputs, below a read-out
that learns from the error.
"""

from collections.abc import Callable

from jaxtyping import Array, Float, Key

from bioexp.rules.gradient import above_hidden, descent, read_out
from bioexp.types import Batch, Learned, Model, Objective, Params, Rule, State

Growth = Callable[
    [Float[Array, "units inputs"], Float[Array, "batch inputs"]], Float[Array, "units inputs"]
]


def below_read_out(model: Model, objective: Objective, name: str, growth: Growth) -> Rule:
    """Every hidden layer's w grows by growth(w, x), x its input; the top layer descends its own
    gradient. No error travels down.
    """

    def init(key: Key[Array, ""], params: Params, data: Batch, batch_size: int) -> State:
        above_hidden(name, params)
        return ()

    def update(params: Params, state: State, batch: Batch, key: Key[Array, ""]) -> Learned:
        gradient, metrics = descent(model, objective, params, batch)
        _, records = model.apply(params, batch.x)
        direction = read_out(gradient)
        for number, layer in zip(sorted(params["layers"], key=int)[:-1], records, strict=False):
            # minus: descend
            direction["layers"][number]["w"] = -growth(params["layers"][number]["w"], layer.x)
        return Learned(direction, state, metrics)

    return Rule(init, update)
