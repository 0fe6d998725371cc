"""Only the read-out learns, on random features: the control that every rule for hidden layers has
to beat.
"""

from jaxtyping import Array, Key

from bioexp.rules.gradient import descent, read_out, unremembered
from bioexp.types import Batch, Learned, Model, Objective, Params, Rule, State


def frozen_hidden(model: Model, objective: Objective) -> Rule:
    """The gradient of the top layer; every layer below keeps its initial weights."""

    def update(params: Params, state: State, batch: Batch, key: Key[Array, ""]) -> Learned:
        gradient, metrics = descent(model, objective, params, batch)
        return Learned(read_out(gradient), state, metrics)

    return Rule(unremembered, update)
