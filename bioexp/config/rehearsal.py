"""One step of a stage in shapes alone, before anything is trained or any memory is taken: whether
model, objective, rule and data fit one another.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

from bioexp.config.user_code import is_installed
from bioexp.datasets.memory import refuse_larger
from bioexp.tree import flatten
from bioexp.types import Batch, Examples, Learned, Model, Objective, Params, Rows, Rule, UserError

if TYPE_CHECKING:
    import optax


def shapes_of(model: Model) -> Params:
    """The model's weights as shapes."""
    import jax

    params: Params = jax.eval_shape(model.init, jax.random.key(0))
    return params


def refuse_too_large(
    params: Params, optimizer: optax.GradientTransformation, layers: tuple[int, ...]
) -> None:
    """Raises UserError where weights and what the optimizer keeps of them, each before and after a
    step, and the direction of these layers are more than the memory holds.
    """
    import jax

    from bioexp.training import only

    learning = only(layers, params)
    kept = jax.eval_shape(optimizer.init, learning)
    size = 2 * _bytes(params) + 2 * _bytes(kept) + _bytes(learning)
    refuse_larger("model: while its weights learn it", size, "make its layers smaller")


def _bytes(tree: Any) -> int:
    import jax

    return sum(prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def refuse_other_shapes(params: Params, others: Params) -> None:
    """Raises UserError where two stages would read the same weights in other sizes."""
    first, second = flatten(params), flatten(others)
    for name in dict.fromkeys([*first, *second]):
        sizes = [leaf[name].shape if name in leaf else None for leaf in (first, second)]
        if sizes[0] != sizes[1]:
            raise UserError(
                f"model: {name} is of size {sizes[1]} here and of {sizes[0]} in the first stage; a "
                "stage may read the same weights otherwise, in the same size"
            )


def refuse_unfit(
    model: Model,
    objective: Objective,
    rule: Rule,
    params: Params,
    layers: tuple[int, ...],
    train: Examples,
    batch_size: int,
) -> None:
    """Raises UserError where the outputs are not what the objective asks for, where the rule cannot
    take a step, and where what it calls its direction has not the shapes of the weights.

    layers: those that learn; everything below the first of them is computed once.
    """
    import jax

    from bioexp.models.stack import above
    from bioexp.training import as_float, only

    lowest = layers[0]
    learned: Params = {
        "layers": {name: layer for name, layer in params["layers"].items() if int(name) >= lowest}
    }

    def step(whole: Params, own: Params, x: Any, y: Any) -> Learned:
        key = jax.random.key(0)
        with _of_the_rule():
            state = rule.init(key, own, Batch(as_float(x), y), batch_size)
        x, y = as_float(x[:batch_size]), y[:batch_size]
        inputs = model.apply(whole, x)[1][lowest].x if lowest else x
        batch = Batch(inputs, y)
        outputs, layers_on_the_way = above(model, lowest).apply(own, inputs)
        refuse_larger(
            "batch_size: the activity of all layers for it",
            _bytes([layer.z for layer in layers_on_the_way]),
            "lower it, or make the layers smaller",
        )
        target = outputs if objective.target is None else objective.target(batch)
        if outputs.shape != target.shape:
            raise UserError(
                f"objective: asks for {target.shape[1:]} outputs, and the model has "
                f"{outputs.shape[1:]}"
            )
        with _of_the_rule():
            return rule.update(own, state, batch, key)

    with _said_with_its_line():
        direction = jax.eval_shape(step, params, learned, *train).direction
    moved = flatten(only(layers, direction)) if "layers" in direction else {}
    for name, leaf in flatten(only(layers, learned)).items():
        if name not in moved:
            raise UserError(f"rule: gives no direction for {name}; leave it out of `train`")
        towards = moved[name]
        if not isinstance(towards, Rows) and towards.shape != leaf.shape:
            raise UserError(f"rule: direction of {name} is {towards.shape}, should be {leaf.shape}")
    if unknown := moved.keys() - flatten(learned).keys():
        raise UserError(f"rule: gives a direction for {min(unknown)}, which the model has not")


@contextmanager
def _of_the_rule() -> Iterator[None]:
    """What a rule itself refuses is said with its place."""
    try:
        yield
    except UserError as error:
        raise UserError(f"rule.{error}") from error


@contextmanager
def _said_with_its_line() -> Iterator[None]:
    """What does not fit, in the first line of its error, with the line of the code that asks."""
    try:
        yield
    except (TypeError, ValueError, KeyError, IndexError) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "site-packages" not in frame.filename]
        users = [frame for frame in own if not is_installed(frame.filename)] or own
        place = f"{users[-1].filename}:{users[-1].lineno}"
        what = (str(error).splitlines() or [""])[0]
        raise UserError(
            f"rule: cannot take a step with this model and objective: {type(error).__name__}: "
            f"{what} ({place})"
        ) from error
