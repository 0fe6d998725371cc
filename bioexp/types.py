"""The nouns of the library, and the ranges an option may take.

What acts is a NamedTuple of pure functions; what merely is, a frozen record.
Nothing here imports JAX, so that the command line starts at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Protocol, runtime_checkable

from annotated_types import Ge, Gt, Le, Len

if TYPE_CHECKING:
    import numpy as np
    import optax
    from jaxtyping import Array, Float, Int, Key, Num

    from bioexp.ops import Ops

# Ranges of user options: a signature that uses one is checked against the YAML file.
MOST, LARGEST = 2**31 - 1, 2**53  # what can be counted, and what is exact as a float
Count = Annotated[int, Ge(1), Le(MOST)]
# Units of each hidden layer; a net is compiled layer by layer, which takes hours for thousands.
Widths = Annotated[tuple[Count, ...], Len(0, 50)]
Natural = Annotated[int, Ge(0), Le(LARGEST)]
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Fraction = Annotated[float, Ge(0), Le(1)]
SEEDS = 10_000  # of one experiment, at most
# Resolved against the config's folder; its bytes are part of the run's identity.
UserFile = Annotated[str, "file"]

Params = dict[str, Any]  # nested dicts of arrays: {"layers": {"0": {"w": …}}}
State = Any  # a rule's own pytree
Metrics = dict[str, Any]  # scalars by name
Split = Literal["train", "test"]
Norm = Literal["linf", "l2"]  # the ball that eps measures


class UserError(Exception):
    """What the user can mend: the command line prints it without a traceback and exits with 2."""


class Examples(NamedTuple):
    """A split of a dataset as it lies on the host: x (n, *shape), y (n,), or (n, tasks) where an
    example has several labels.
    """

    x: np.ndarray
    y: np.ndarray


class Batch(NamedTuple):
    """Examples and their labels; images are floats in [0, 1] once they reach a rule."""

    x: Num[Array, "batch *shape"]
    y: Int[Array, "batch *labels"]


@dataclass(frozen=True)
class Dataset:
    """Train and test examples in file order, with where they came from.

    Images have shape (n, height, width) or (n, height, width, channels) with 1 or 3 channels,
    tabular features (n, features); both are uint8 and mean x/255, or float32 in [0, 1]. Labels are
    int32, shape (n,), in 0 … n_classes-1, and each of them occurs in y_train; or (n, tasks) where
    an example has a label of each of several tasks, whose classes are numbered one task after the
    other. `digest` is sha256 over the bytes of x_train, y_train, x_test, y_test (labels as
    little-endian int32). `datasets.valid` holds every builder to this.
    """

    name: str
    source: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    n_classes: int
    digest: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example, without the batch axis."""
        return tuple(self.x_train.shape[1:])


class Layer(NamedTuple):
    """One layer's input x, drive u and activity z."""

    x: Float[Array, "batch inputs"]
    u: Float[Array, "batch units"]
    z: Float[Array, "batch units"]


@runtime_checkable
class Apply(Protocol):
    """The forward pass: logits, and one Layer record for each layer it went through."""

    def __call__(
        self, params: Params, x: Num[Array, "batch *shape"], ops: Ops = ..., start: int = 0
    ) -> tuple[Float[Array, "batch classes"], tuple[Layer, ...]]: ...


class Model(NamedTuple):
    """A network as two pure functions.

    init(key) -> params, nested dicts {"layers": {"0": {...}, "1": {...}}} from input to output.
    apply(params, x, ops=exact, start=0) -> (logits, layers): `start` is the layer that x enters, 0
    for an image; with a later one x is that layer's input, and neither the parameters nor the Layer
    records below it are touched.
    """

    init: Callable[[Key[Array, ""]], Params]
    apply: Apply


class Objective(NamedTuple):
    """What a rule may descend: a loss per example, from the outputs and what they should be, and a
    penalty on the parameters.

    target: what the outputs should be, from the minibatch; None for its labels, the outputs then
        being logits.
    heads: into how many classifiers of their own the logits are divided, one after the other; a
        label lies in the head of its task.
    """

    per_example: Callable[
        [Float[Array, "batch outputs"], Num[Array, "batch *target"]], Float[Array, "batch"]
    ]
    penalty: Callable[[Params], Float[Array, ""]]
    target: Callable[[Batch], Num[Array, "batch *target"]] | None = None
    heads: int = 1


class Rows(NamedTuple):
    """A direction for some rows of a weight matrix, where the others stay as they are.

    It stands in a direction in place of a whole matrix, for a rule that moves few units a step. A
    row that is named twice has the same values both times. Its optimizer may not remember every
    weight: sgd without momentum.
    """

    units: Int[Array, "moved"]
    values: Float[Array, "moved inputs"]


class Learned(NamedTuple):
    """One step's outcome: `direction` is DESCENDED like a gradient, so any optax chain applies it;
    its leaves may be Rows.
    """

    direction: Params
    state: State
    metrics: Metrics


def nothing_observed(params: Params, state: State) -> tuple[Metrics, State]:
    """What most rules have to say at a record beyond the means of their metrics."""
    return {}, state


class Rule(NamedTuple):
    """A learning rule: init(key, params, data, batch_size) -> state, update(params, state, batch,
    key) -> Learned.

    `data` is the whole training set, for the rules that keep examples of their own; `batch_size` is
    that of the stage. observe(params, state) -> (metrics, state): what is looked at once a record
    because it is too dear for every step; the state it returns may start counting anew. ops(params,
    state) -> the backward pass that it descends by, where that is not the true one and no matter of
    chance: what `bioexp attack --gradient training` follows.
    """

    init: Callable[[Key[Array, ""], Params, Batch, int], State]
    update: Callable[[Params, State, Batch, Key[Array, ""]], Learned]
    observe: Callable[[Params, State], tuple[Metrics, State]] = nothing_observed
    ops: Callable[[Params, State], Ops] | None = None


class Stage(NamedTuple):
    """One phase of training, ready to run.

    model: the network of this phase; a later one may read the same weights otherwise, and the last
        one is deployed.
    train: the layers that learn, as numbers; everything below the first of them is computed once
        and cached.
    per_class: how many examples of each class this phase sees, drawn by the seed; None for all.
    steps, record_every: lengths in minibatches.
    until: the accuracy on its minibatches, mean over seeds, at whose first record the phase stops
        early; None for all of its steps.
    """

    model: Model
    rule: Rule
    optimizer: optax.GradientTransformation
    project: Callable[[Params], Params]
    train: tuple[int, ...]
    batch_size: int
    steps: int
    record_every: int
    per_class: int | None = None
    until: float | None = None


Logits = Callable[[Any], Any]  # one image (*shape) in [0, 1] -> its logits (classes)


class Attack(NamedTuple):
    """perturb(logits, x, y, eps, key) -> x_adv, a candidate for ONE image; pure, and differentiated
    through `logits` alone.

    The caller maps it over images and over eps, projects onto the ball and onto [0, 1] and tests
    the result again, so an attack cannot report more than it did.
    norm: "linf" or "l2", the ball that eps measures (pixels are in [0, 1]).
    multi_step: whether more steps should only make it stronger, as the checks for masked gradients
        assume.
    restarts: how often the caller tries, each time with a fresh key and only on the images that
        still survive.
    kind: what it knows of the net. "noise" and "queries" (its logits) follow no gradient;
        "gradient" follows the net's own, "transfer" that of another net, in whose place the caller
        passes its logits. "nearest" looks for the smallest change that breaks the net: it is run
        without a ball (eps is infinite), and its result is a distance.
    """

    norm: Norm
    perturb: Callable[[Logits, Any, Any, Any, Any], Any]
    multi_step: bool = False
    restarts: int = 1
    kind: Literal["noise", "gradient", "queries", "transfer", "nearest"] = "gradient"
