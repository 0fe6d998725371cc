"""The two rules of competing hidden units, which learn without labels, and their control."""

from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
from annotated_types import Ge, Le
from jaxtyping import Array, Bool, Float, Int, Key

from bioexp.papers.competing_hidden_units.equations import (
    TINY,
    euler_activity,
    euler_weights,
    plasticity,
    riccati,
    steady_state,
)
from bioexp.papers.competing_hidden_units.model import Exponent, check_inhibition
from bioexp.types import (
    Batch,
    Count,
    Fraction,
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

Signed = Annotated[float, Ge(-1), Le(1)]
# length of a weight vector beyond which it counts as blown up; it starts at about 28 for 784 inputs
BLOWN = 1000.0


class Competition(NamedTuple):
    """The slow rule's state.

    wins: how often each unit had the largest activity since the last record.
    blow_ups: how often a unit blew up so far, and was left as it was.
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
    """The slow rule: each image is shown until activities rest (eq. 1), then moves W (eqs 2 and 3).

    The activities of a minibatch are all computed with the same weights, which its images then move
    one after another (weights: exact) or together (weights: euler). The learning rate should be 1,
    as `presentation` says how far an image moves them.

    inhibition: w_inh, strength of the global inhibition, below 1.
    threshold: h*, from which plasticity is Hebbian.
    delta: Delta, strength of the anti-Hebbian range below it, from -1 to 1; a negative one makes
        that range Hebbian (deviation 1).
    presentation: how long an image is shown to the weights, in units of tau_L.
    activity: the steady state of eq. 1 (exact), or Euler's method.
    time_step: of Euler's method for eq. 1, in units of tau.
    duration: how long it integrates eq. 1, in units of tau.
    weights: the exact solution of eq. 3, or Euler's method.
    weight_steps: how many steps of Euler's method for eq. 3 make a presentation.
    """
    check_inhibition(inhibition)
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
        moved, blown = shown(w, first.x, g)
        blown |= ~(jnp.sum(moved**2, axis=1) < BLOWN**2)  # a NaN is blown up, too
        direction = jnp.where(blown[:, None], 0.0, w - moved)  # descend
        state = Competition(state.wins.at[h.argmax(axis=1)].add(1), state.blow_ups + blown.sum())
        return Learned(
            {"layers": {"0": {"w": direction}}}, state, {"winner_activity": h.max(axis=1).mean()}
        )

    def shown(
        w: Array, v: Float[Array, "batch inputs"], g: Float[Array, "batch units"]
    ) -> tuple[Array, Bool[Array, "units"]]:
        if weights == "euler":
            return euler_weights(w, v, g, presentation, weight_steps), jnp.zeros(units, bool)
        if len(v) == 1:
            return riccati(w, v[0], g[0], presentation)

        def show(w: Array, image: tuple[Array, Array]) -> tuple[Array, Bool[Array, "units"]]:
            return riccati(w, *image, presentation)

        w, blown = jax.lax.scan(show, w, (v, g))
        return w, blown.any(axis=0)

    def observe(params: Params, state: Competition) -> tuple[Metrics, Competition]:
        seen = settled(params["layers"]["0"]["w"], state.wins, 2.0) | {"blow_ups": state.blow_ups}
        return seen, Competition(jnp.zeros_like(state.wins), state.blow_ups)

    return Rule(init, update, observe)


class Ranked(NamedTuple):
    """The fast rule's state.

    wins: how often each unit ranked first since the last record.
    powered: sign(W) |W|^(p-1), but for the rows that the last step moved, whose W is newer.
    moved: those rows.
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
    """The fast rule: the unit of the largest current moves to the image, that of the k-th away.

    Q = <W, v>_p = sum_i sign(W_i) |W_i|^(p-1) v_i, and dW = sum over the minibatch of g (v - Q W)
    with g = 1 for the largest Q and -Delta for the k-th (Krotov & Hopfield 2019, as in their
    program). Only the rows of these units change, at most two for each image, and only they are
    computed, which leaves the step exact.

    p: Lebesgue norm; every unit's weights converge to |W|_p = 1.
    rank: k, which unit is pushed away; 2 is the runner-up.
    delta: strength of that push relative to the winner's pull, from 0 to 1.
    step: what a change is divided by: the largest entry of the changes of the whole minibatch, as
        published (largest), or how often its own unit was ranked there (wins).
    """
    units = _units(model)
    if rank > units:
        raise UserError(f"rank: must be at most {units}, the number of hidden units, got {rank}")

    def power(w: Float[Array, "rows inputs"]) -> Float[Array, "rows inputs"]:
        return w if p == 2 else jnp.sign(w) * jnp.abs(w) ** (p - 1)

    def init(key: Key[Array, ""], params: Params, data: Batch, batch_size: int) -> Ranked:
        # + 0: an array of its own even where p = 2, so that its memory can be reused
        powered = power(params["layers"]["0"]["w"]) + 0
        return Ranked(jnp.zeros(units, jnp.int32), powered, jnp.zeros(2 * batch_size, jnp.int32))

    def update(params: Params, state: Ranked, batch: Batch, key: Key[Array, ""]) -> Learned:
        w, v = params["layers"]["0"]["w"], model.apply(params, batch.x)[1][0].x
        powered = state.powered.at[state.moved].set(power(w[state.moved]))
        # held back: sliced as they are, XLA sorts all units to find two
        q, unit = jax.lax.optimization_barrier(jax.lax.top_k(v @ powered.T, rank))
        q, unit = (jnp.concatenate([each[:, 0], each[:, rank - 1]]) for each in (q, unit))
        same = unit[:, None] == unit[None, :]
        change = _changes(w[unit], v, q, same * jnp.repeat(jnp.array([1.0, -delta]), len(v)))
        largest = jnp.max(jnp.abs(change))
        share = largest if step == "largest" else same.sum(axis=1, keepdims=True)
        rows = Rows(unit, -change / jnp.maximum(share, TINY))  # descend
        state = Ranked(state.wins.at[unit[: len(v)]].add(1), powered, unit)
        return Learned({"layers": {"0": {"w": rows}}}, state, {"largest_change": largest})

    def observe(params: Params, state: Ranked) -> tuple[Metrics, Ranked]:
        seen = settled(params["layers"]["0"]["w"], state.wins, p)
        return seen, state._replace(wins=jnp.zeros_like(state.wins))

    return Rule(init, update, observe)


def _changes(
    w: Float[Array, "rows inputs"],
    v: Float[Array, "batch inputs"],
    q: Float[Array, "rows"],
    g: Float[Array, "rows rows"],
) -> Float[Array, "rows inputs"]:
    """sum_b g (v_b - Q_b W) for every ranked row.

    g[i, j]: the plasticity of row i for the image that ranked row j; 0 unless both are one unit.
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
    """The control: filters that are not learned, put in place by one step at learning rate 1.

    source: training images, drawn without replacement and presented as the units see them, or
        Gaussian noise.
    p: Lebesgue norm; each filter is scaled to |W|_p = 1, as the rule would leave it.

    Raises UserError where there are fewer training images than units.
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
        direction = params["layers"]["0"]["w"] - state  # descend
        return Learned({"layers": {"0": {"w": direction}}}, state, {})

    return Rule(init, update)


def settled(w: Float[Array, "units inputs"], wins: Int[Array, "units"], p: float) -> Metrics:
    """How far the units have settled.

    within_1_percent, within_5_percent: shares of units that are so close to |W|_p = 1.
    winner_entropy: of the winners, relative to its largest value; 1 where all win equally often.
    dead_units: share of units that never won.
    """
    norm = jnp.sum(jnp.abs(w) ** p, axis=1) ** (1 / p)
    share = wins / jnp.maximum(wins.sum(), 1)
    entropy = -jnp.sum(jnp.where(wins > 0, share * jnp.log(jnp.maximum(share, TINY)), 0))
    return {
        "within_1_percent": jnp.mean(jnp.abs(norm - 1) <= 0.01),
        "within_5_percent": jnp.mean(jnp.abs(norm - 1) <= 0.05),
        "winner_entropy": entropy / jnp.log(float(len(wins))),
        "dead_units": jnp.mean(wins == 0),
    }


def _units(model: Model) -> int:
    return int(jax.eval_shape(model.init, jax.random.key(0))["layers"]["0"]["w"].shape[0])
