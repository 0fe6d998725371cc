"""The net of competing hidden units, its two rules and its controls."""

from math import prod
from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
from annotated_types import Ge, Le
from jaxtyping import Array, Bool, Float, Int, Key

from bioexp.models.stack import LayerMap, stack
from bioexp.ops import Ops
from bioexp.types import (
    Batch,
    Count,
    Fraction,
    Layer,
    Learned,
    Metrics,
    Model,
    NonNegative,
    Objective,
    Params,
    Positive,
    Rows,
    Rule,
    UserError,
)

Exponent = Annotated[float, Ge(1)]
Signed = Annotated[float, Ge(-1), Le(1)]
Inputs = Literal["raw", "unit", "centered"]
TINY = 1e-12  # under the length of an image, so that a black one has a gradient
# length of a weight vector beyond which it counts as blown up; it starts at about 28 for 784 inputs
BLOWN = 1000.0


def competing_hidden_units(
    shape: tuple[int, ...],
    classes: int,
    *,
    hidden: Count = 2000,
    inputs: Inputs = "unit",
    inhibition: NonNegative = 0.0,
    power: Exponent = 4.5,
    bias: bool = False,
    read_out: Literal["zero", "uniform"] = "zero",
) -> Model:
    """z[mu] = relu(h[mu])^power with h = I = W v, or the steady state of eq. 1 under inhibition;
    logits S z (+ b).

    hidden: number of competing units, the rows of W, which starts normal with mean 0 and variance
        1.
    inputs: images as they are, at unit Euclidean length, or with their mean subtracted and then at
        unit length.
    inhibition: w_inh of eq. 1, from 0 to below 1; 0 leaves the units alone.
    power: n, the exponent of the rectified activity.
    bias: whether the read-out has one.
    read_out: S and b start at 0, or uniform up to 1/sqrt(hidden), as a linear layer of PyTorch
        does.
    """
    _check_inhibition(inhibition)

    def first(params: Params, x: Float[Array, "batch inputs"], ops: Ops, number: int) -> Layer:
        v = presented(x, inputs)
        u = ops.linear(number, params["w"], v)
        return Layer(
            v, u, ops.nonlinear(number, lambda u: rate(steady_state(u, inhibition), power), u)
        )

    def second(params: Params, x: Float[Array, "batch hidden"], ops: Ops, number: int) -> Layer:
        u = ops.linear(number, params["w"], x) + params.get("b", 0.0)
        return Layer(x, u, u)

    def start(key: Key[Array, ""]) -> Params:
        limit = hidden**-0.5 if read_out == "uniform" else 0.0
        shapes = {"w": (classes, hidden)} | ({"b": (classes,)} if bias else {})
        keys = jax.random.split(key, len(shapes))
        return {
            name: jax.random.uniform(k, size, minval=-limit, maxval=limit)
            for k, (name, size) in zip(keys, shapes.items(), strict=True)
        }

    return stack(
        [
            LayerMap(lambda key: {"w": jax.random.normal(key, (hidden, prod(shape)))}, first),
            LayerMap(start, second),
        ]
    )


def presented(x: Float[Array, "batch inputs"], inputs: Inputs) -> Float[Array, "batch inputs"]:
    """The images as the units see them: v."""
    if inputs == "raw":
        return x
    v = x - x.mean(axis=1, keepdims=True) if inputs == "centered" else x
    return v / jnp.sqrt(jnp.sum(v**2, axis=1, keepdims=True) + TINY)


def rate(h: Float[Array, "batch units"], power: float) -> Float[Array, "batch units"]:
    """The firing rate max(h, 0), raised to a power."""
    return jax.nn.relu(h) if power == 1 else jax.nn.relu(h) ** power


# Eq. 1: the activities h under global inhibition.


def steady_state(
    current: Float[Array, "batch units"], inhibition: float
) -> Float[Array, "batch units"]:
    """h at rest: h[mu] = I[mu] - w_inh sum_{nu != mu} r(h[nu]), exactly (eq. 1 with dh/dt = 0).

    With S the sum of all rates, h = (I - w S) / (1 - w) where that is positive and I - w S
    elsewhere. S is the root of a convex, decreasing, piecewise linear function: Newton's iteration
    from 0 climbs to it in finitely many steps. The units that are active there are found without a
    gradient; given them S is linear in I, so that derivatives are exact.
    """
    if inhibition == 0:
        return current
    fixed = jax.lax.stop_gradient(current)

    def root(
        active: Bool[Array, "batch units"], current: Float[Array, "batch units"]
    ) -> Float[Array, "batch 1"]:
        count = active.sum(axis=1, keepdims=True)
        return jnp.sum(jnp.where(active, current, 0), axis=1, keepdims=True) / (
            1 - inhibition + inhibition * count
        )

    def more(carry: tuple[Float[Array, "batch 1"], Float[Array, "batch 1"]]) -> Bool[Array, ""]:
        return (carry[1] > carry[0]).any()

    def newton(
        carry: tuple[Float[Array, "batch 1"], Float[Array, "batch 1"]],
    ) -> tuple[Array, Array]:
        return carry[1], root(fixed > inhibition * carry[1], fixed)

    start = jnp.full((len(current), 1), -1.0, current.dtype)
    below, _ = jax.lax.while_loop(more, newton, (start, jnp.zeros_like(start)))
    drive = current - inhibition * root(fixed > inhibition * below, current)
    return jnp.where(drive > 0, drive / (1 - inhibition), drive)


def euler_activity(
    current: Float[Array, "batch units"], inhibition: float, time_step: float, duration: float
) -> Float[Array, "times batch units"]:
    """h(t) of eq. 1 from h = 0 by Euler's method, at every step up to `duration`; times are in
    units of tau.
    """

    def step(h: Float[Array, "batch units"], _: None) -> tuple[Array, Array]:
        rates = jax.nn.relu(h)
        others = rates.sum(axis=1, keepdims=True) - rates
        h = h + time_step * (current - inhibition * others - h)
        return h, h

    return jax.lax.scan(
        step, jnp.zeros_like(current), None, length=max(round(duration / time_step), 1)
    )[1]


# Eqs 2 and 3: plasticity.


def plasticity(h: Float[Array, "..."], threshold: float, delta: float) -> Float[Array, "..."]:
    """g(h): 0 below 0, -Delta up to the threshold h*, 1 from there on (eq. 2)."""
    return jnp.where(h >= threshold, 1.0, jnp.where(h >= 0, -delta, 0.0))


def riccati(
    w: Float[Array, "units inputs"],
    v: Float[Array, "inputs"],
    g: Float[Array, "units"],
    time: float,
) -> tuple[Float[Array, "units inputs"], Bool[Array, "units"]]:
    """Eq. 3 solved exactly: W after an image was shown for `time`, in units of tau_L; and which
    units blew up before.

    With u = v/|v|, a = W u and x = g |v| t the solution is W(t) = (W / cosh x + u (tanh x + a (1 -
    1/cosh x))) / (1 + a tanh x). For g = 1 it tends to u; for g = -Delta its denominator reaches 0
    in finite time when a > coth |x|.
    """
    length = jnp.sqrt(jnp.sum(v**2) + TINY)
    along, x = w @ (v / length), g * length * time
    still, turned = 1 / jnp.cosh(x), jnp.tanh(x)
    denominator = 1 + along * turned
    toward = turned + along * (1 - still)
    moved = (w * still[:, None] + jnp.outer(toward, v / length)) / denominator[:, None]
    return moved, denominator <= 0


def euler_weights(
    w: Float[Array, "units inputs"],
    v: Float[Array, "batch inputs"],
    g: Float[Array, "batch units"],
    time: float,
    steps: int,
) -> Float[Array, "units inputs"]:
    """Eq. 3 by Euler's method, its right-hand side summed over the images."""

    def step(
        _: int | Int[Array, ""], w: Float[Array, "units inputs"]
    ) -> Float[Array, "units inputs"]:
        return w + time / steps * (g.T @ v - jnp.sum(g * (v @ w.T), axis=0)[:, None] * w)

    return jax.lax.fori_loop(0, steps, step, w)


class Competition(NamedTuple):
    """wins: how often each unit had the largest activity since the last record; blow_ups: units
    left as they were, so far.
    """

    wins: Int[Array, "units"]
    blow_ups: Int[Array, ""]


def competing_dynamics(
    model: Model,
    objective: Objective,
    *,
    inhibition: NonNegative = 0.8,
    threshold: Positive = 1.0,
    delta: Signed = 0.01,
    presentation: Positive = 0.03,
    activity: Literal["exact", "euler"] = "exact",
    time_step: Positive = 0.004,
    duration: Positive = 60.0,
    weights: Literal["exact", "euler"] = "exact",
    weight_steps: Count = 10,
) -> Rule:
    """The slow rule: every image is shown until activities rest (eq. 1), then moves the weights
    (eqs 2 and 3).

    Of a minibatch all activities are computed with the same weights, which its images then move one
    after another (`exact`) or together (`euler`). The learning rate should be 1: time is in
    `presentation`.

    inhibition: w_inh, strength of the global inhibition, below 1.
    threshold: h*, from which plasticity is Hebbian.
    delta: Delta, strength of the anti-Hebbian range below it; a negative one makes that range
        Hebbian (deviation 1).
    presentation: how long an image is shown to the weights, in units of tau_L.
    activity: steady state of eq. 1, or Euler's method.
    time_step, duration: of Euler's method for eq. 1, in units of tau.
    weights: exact solution of eq. 3, or Euler's method.
    weight_steps: of Euler's method for eq. 3, in each presentation.
    """
    _check_inhibition(inhibition)
    units = _units(model)
    fastest = 2 / (1 - inhibition + inhibition * units)
    if activity == "euler" and time_step >= fastest:
        raise UserError(
            f"time_step: must be below {fastest:.3g}, where Euler's method is stable for {units}"
            f" units, got {time_step:g}"
        )

    def resting(current: Float[Array, "batch units"]) -> Float[Array, "batch units"]:
        if activity == "exact":
            return steady_state(current, inhibition)
        return euler_activity(current, inhibition, time_step, duration)[-1]

    def init(key: Key[Array, ""], params: Params, data: Batch, batch_size: int) -> Competition:
        return Competition(jnp.zeros(units, jnp.int32), jnp.zeros((), jnp.int32))

    def update(params: Params, state: Competition, batch: Batch, key: Key[Array, ""]) -> Learned:
        first = model.apply(params, batch.x)[1][0]
        h = resting(first.u)
        w, g = params["layers"]["0"]["w"], plasticity(h, threshold, delta)
        moved, blown = _shown(w, first.x, g)
        blown |= ~(jnp.sum(moved**2, axis=1) < BLOWN**2)  # a NaN is blown up, too
        direction = jnp.where(blown[:, None], 0.0, w - moved)  # descend
        state = Competition(state.wins.at[h.argmax(axis=1)].add(1), state.blow_ups + blown.sum())
        return Learned(
            {"layers": {"0": {"w": direction}}}, state, {"winner_activity": h.max(axis=1).mean()}
        )

    def _shown(
        w: Array, v: Float[Array, "batch inputs"], g: Float[Array, "batch units"]
    ) -> tuple[Array, Bool[Array, "units"]]:
        if weights == "euler":
            return euler_weights(w, v, g, presentation, weight_steps), jnp.zeros(units, bool)
        if len(v) == 1:
            return riccati(w, v[0], g[0], presentation)

        def one(w: Array, image: tuple[Array, Array]) -> tuple[Array, Bool[Array, "units"]]:
            return riccati(w, *image, presentation)

        w, blown = jax.lax.scan(one, w, (v, g))
        return w, blown.any(axis=0)

    def observe(params: Params, state: Competition) -> tuple[Metrics, Competition]:
        seen = settled(params["layers"]["0"]["w"], state.wins, 2.0) | {"blow_ups": state.blow_ups}
        return seen, Competition(jnp.zeros_like(state.wins), state.blow_ups)

    return Rule(init, update, observe)


class Ranked(NamedTuple):
    """wins: as in Competition. powered: sign(W) |W|^(p-1), but for the rows `moved` by the last
    step, whose W is newer.
    """

    wins: Int[Array, "units"]
    powered: Float[Array, "units inputs"]
    moved: Int[Array, "rows"]


def competing_ranks(
    model: Model,
    objective: Objective,
    *,
    p: Exponent = 3.0,
    rank: Annotated[int, Ge(2)] = 7,
    delta: Fraction = 0.4,
    step: Literal["largest", "wins"] = "largest",
) -> Rule:
    """The fast rule: of the currents of an image the largest wins, and its unit moves to the image;
    the k-th moves away.

    Q = <W, v>_p = sum_i sign(W_i) |W_i|^(p-1) v_i and dW = sum over the minibatch of g (v - Q W), g
    = 1 for the largest Q and -Delta for the k-th (Krotov & Hopfield 2019, as their program has it).
    Only the rows of ranked units change, at most two for each image, and nothing else is computed:
    the step is exact all the same.

    p: Lebesgue norm; every unit's weights converge to |W|_p = 1.
    rank: k, which unit is pushed away; 2 is the runner-up.
    delta: strength of that push, relative to the winner's pull.
    step: what a change is divided by: the largest entry of the whole minibatch's, as published, or
        how often its own unit was ranked in it.
    """
    units = _units(model)
    if rank > units:
        raise UserError(f"rank: must be at most {units}, the number of hidden units, got {rank}")

    def power(w: Float[Array, "rows inputs"]) -> Float[Array, "rows inputs"]:
        return w if p == 2 else jnp.sign(w) * jnp.abs(w) ** (p - 1)

    def init(key: Key[Array, ""], params: Params, data: Batch, batch_size: int) -> Ranked:
        powered = (
            power(params["layers"]["0"]["w"]) + 0
        )  # of its own even where p = 2, so that its memory can be reused
        return Ranked(jnp.zeros(units, jnp.int32), powered, jnp.zeros(2 * batch_size, jnp.int32))

    def update(params: Params, state: Ranked, batch: Batch, key: Key[Array, ""]) -> Learned:
        w, v = params["layers"]["0"]["w"], model.apply(params, batch.x)[1][0].x
        powered = state.powered.at[state.moved].set(power(w[state.moved]))
        # held back: sliced as they are, XLA sorts all units to find two
        q, unit = jax.lax.optimization_barrier(jax.lax.top_k(v @ powered.T, rank))
        q, unit = (jnp.concatenate([of[:, 0], of[:, rank - 1]]) for of in (q, unit))
        same = unit[:, None] == unit[None, :]
        change = _changes(w[unit], v, q, same * jnp.repeat(jnp.array([1.0, -delta]), len(v)))
        largest = jnp.max(jnp.abs(change))
        share = largest if step == "largest" else same.sum(axis=1, keepdims=True)
        rows = Rows(unit, -change / jnp.maximum(share, TINY))  # descend
        state = Ranked(state.wins.at[unit[: len(v)]].add(1), powered, unit)
        return Learned({"layers": {"0": {"w": rows}}}, state, {"largest_change": largest})

    def observe(params: Params, state: Ranked) -> tuple[Metrics, Ranked]:
        return settled(params["layers"]["0"]["w"], state.wins, p), state._replace(
            wins=jnp.zeros_like(state.wins)
        )

    return Rule(init, update, observe)


def _changes(
    w: Float[Array, "rows inputs"],
    v: Float[Array, "batch inputs"],
    q: Float[Array, "rows"],
    g: Float[Array, "rows rows"],
) -> Float[Array, "rows inputs"]:
    """sum_b g (v_b - Q_b W) for every ranked row; g[i, j] is the plasticity that row i has in rank
    j, 0 unless they are one unit.
    """
    n = len(v)
    return (g[:, :n] + g[:, n:]) @ v - (g @ q)[:, None] * w


def unlearned_filters(
    model: Model,
    objective: Objective,
    *,
    source: Literal["images", "noise"] = "images",
    p: Exponent = 3.0,
) -> Rule:
    """The control: a first layer that nothing was learned for. One step at learning rate 1 puts it
    there.

    source: training images, drawn without replacement and presented as the units see them; or
        Gaussian noise.
    p: each filter is scaled to |W|_p = 1, as the rule would leave it.
    """
    units = _units(model)

    def init(
        key: Key[Array, ""], params: Params, data: Batch, batch_size: int
    ) -> Float[Array, "units inputs"]:
        w = params["layers"]["0"]["w"]
        if source == "images":
            if units > len(data.y):
                raise UserError(
                    f"unlearned_filters: needs {units} training images, one for each unit, got"
                    f" {len(data.y)}"
                )
            chosen = data.x[jax.random.choice(key, len(data.y), (units,), replace=False)]
            w = model.apply(params, chosen)[1][0].x
        return w / (jnp.sum(jnp.abs(w) ** p, axis=1, keepdims=True) + TINY) ** (1 / p)

    def update(
        params: Params, state: Float[Array, "units inputs"], batch: Batch, key: Key[Array, ""]
    ) -> Learned:
        return Learned(
            {"layers": {"0": {"w": params["layers"]["0"]["w"] - state}}}, state, {}
        )  # descend

    return Rule(init, update)


def settled(w: Float[Array, "units inputs"], wins: Int[Array, "units"], p: float) -> Metrics:
    """Where the units stand: shares within 1 % and 5 % of |W|_p = 1, entropy of the winners (1: all
    win alike), units that never won.
    """
    norm = jnp.sum(jnp.abs(w) ** p, axis=1) ** (1 / p)
    share = wins / jnp.maximum(wins.sum(), 1)
    entropy = -jnp.sum(jnp.where(wins > 0, share * jnp.log(jnp.maximum(share, TINY)), 0)) / jnp.log(
        float(len(wins))
    )
    return {
        "within_1_percent": jnp.mean(jnp.abs(norm - 1) <= 0.01),
        "within_5_percent": jnp.mean(jnp.abs(norm - 1) <= 0.05),
        "winner_entropy": entropy,
        "dead_units": jnp.mean(wins == 0),
    }


def _units(model: Model) -> int:
    return int(jax.eval_shape(model.init, jax.random.key(0))["layers"]["0"]["w"].shape[0])


def _check_inhibition(inhibition: float) -> None:
    if inhibition >= 1:
        raise UserError(
            f"inhibition: must be below 1, got {inhibition:g}: eq. 1 then has no steady state, the"
            " strongest unit runs away"
        )
