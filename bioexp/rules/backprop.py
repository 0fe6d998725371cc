"""The exact gradient: what every other rule is compared with."""

from jaxtyping import Array, Key

from bioexp.rules.gradient import descent, unremembered
from bioexp.types import Batch, Learned, Model, Objective, Params, Rule, State


def backprop(model: Model, objective: Objective) -> Rule:
    """Gradient of the mean loss over the minibatch plus the penalty (Rumelhart, Hinton & Williams
    1986).
    """

    def update(params: Params, state: State, batch: Batch, key: Key[Array, ""]) -> Learned:
        gradient, metrics = descent(model, objective, params, batch)
        return Learned(gradient, state, metrics)

    return Rule(unremembered, update)
