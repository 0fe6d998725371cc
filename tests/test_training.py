"""The loop: data order, seeds, stages, resuming, divergence."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bioexp.models import mlp
from bioexp.models.stack import above
from bioexp.objectives import cross_entropy
from bioexp.optimizers import sgd
from bioexp.rules import backprop
from bioexp.training import Checkpoint, fit, members, order
from bioexp.types import Examples, Stage, UserError

MODEL = mlp((6,), 3, hidden=(4,))
RULE = backprop(MODEL, cross_entropy())


def data(n=40):
    rng = np.random.default_rng(0)
    y = np.arange(n, dtype=np.int32) % 3
    return Examples((rng.random((n, 6)) * 0.5 + y[:, None] * 0.2).astype(np.float32), y)


def stage(**changes):
    plain = Stage(
        MODEL,
        RULE,
        optax.sgd(0.1),
        lambda params: params,
        (0, 1),
        batch_size=8,
        steps=12,
        record_every=5,
    )
    return plain._replace(**changes)


def last(*arguments, **options):
    return [copied(record) for record in fit(*arguments, **options)][-1]


def copied(record):
    return record._replace(state=jax.device_get(record.state))


def test_an_epoch_shows_every_example_once():
    seen = order(0, 0, 0, 5, n=40, batch_size=8)
    assert sorted(seen.ravel()) == list(range(40))


def test_the_order_does_not_depend_on_where_a_scan_begins():
    whole = order(3, 1, 0, 20, n=41, batch_size=8)
    parts = [
        order(3, 1, start, stop, n=41, batch_size=8) for start, stop in ((0, 3), (3, 11), (11, 20))
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_epochs_seeds_and_stages_are_shuffled_differently():
    orders = [
        order(*where, n=40, batch_size=8).tobytes()
        for where in ((0, 0, 0, 5), (0, 0, 5, 10), (1, 0, 0, 5), (0, 1, 0, 5))
    ]
    assert len(set(orders)) == 4


def test_records_come_at_the_start_every_so_often_at_marks_and_at_the_end():
    records = [
        record.total for record in fit([stage(), stage(steps=3)], data(), [0], marks=[7, 13])
    ]
    assert records == [0, 5, 7, 10, 12, 13, 15]


def test_one_step_is_one_gradient_step():
    """w - learning_rate * gradient of the mean loss over the first minibatch, written out."""
    records = fit([stage(steps=1)], data(), [5])
    before = jax.tree.map(lambda leaf: leaf[0], jax.device_get(next(records).params))
    after = jax.tree.map(lambda leaf: leaf[0], jax.device_get(next(records).params))
    rows = order(5, 0, 0, 1, n=40, batch_size=8)[0]
    x, y = jnp.asarray(data().x[rows]), jnp.asarray(data().y[rows])
    gradient = jax.grad(lambda p: cross_entropy().per_example(MODEL.apply(p, x)[0], y).mean())(
        before
    )
    expected = jax.tree.map(lambda w, g: w - 0.1 * g, before, gradient)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), after, expected)


def test_a_seed_starts_the_same_alone_and_in_a_group():
    """Initial weights and data order are identical; the first update agrees to 1e-6 (vmap rounds
    differently).
    """
    alone = [copied(record) for record in fit([stage(steps=1)], data(), [2])]
    group = [copied(record) for record in fit([stage(steps=1)], data(), [0, 1, 2])]
    for own, among, tolerance in zip(alone, group, (0, 1e-6), strict=True):
        for x, y in zip(jax.tree.leaves(own.params), jax.tree.leaves(among.params), strict=True):
            np.testing.assert_allclose(x[0], y[2], atol=tolerance, rtol=0)


def test_a_group_repeats_to_the_same_bits():
    one, two = (last([stage()], data(), [0, 1]) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, one.state, two.state)


@pytest.fixture(scope="module")
def two_stages():
    """Two stages, the second on frozen features, and every record of training two seeds through
    them.
    """
    head = stage(
        steps=6,
        train=(1,),
        rule=backprop(above(MODEL, 1), cross_entropy()),
        optimizer=optax.adam(0.01),
    )
    return [stage(), head], [copied(record) for record in fit([stage(), head], data(), [0, 1])]


@pytest.mark.parametrize("at", range(6))
def test_training_continues_to_the_same_bits_from_every_record(two_stages, at):
    stages, records = two_stages
    stop = records[at]
    checkpoint = Checkpoint(stop.stage, stop.step, jax.tree.leaves(stop.state))
    again = last(stages, data(), [0, 1], resume=checkpoint)
    jax.tree.map(np.testing.assert_array_equal, again.state, records[-1].state)


def test_a_checkpoint_of_another_shape_is_refused():
    record = last([stage()], data(), [0])
    with pytest.raises(UserError, match="does not fit"):
        last([stage()], data(), [0, 1], resume=Checkpoint(0, 5, jax.tree.leaves(record.state)))


def test_a_head_on_frozen_features_learns_as_if_the_layer_below_were_there():
    """Caching what lies below the first trained layer is the same as training it with a rate of
    zero.
    """
    cached = last(
        [stage(train=(1,), rule=backprop(above(MODEL, 1), cross_entropy()))], data(), [0, 1]
    )
    still = last(
        [stage(optimizer=sgd(12, learning_rate={"layers/0": 0.0, "layers/1": 0.1}))], data(), [0, 1]
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), cached.params, still.params
    )


def test_layers_above_that_do_not_learn_stay():
    record = last([stage(train=(0,))], data(), [0])
    start = next(iter(fit([stage()], data(), [0])))
    np.testing.assert_array_equal(
        record.params["layers"]["1"]["w"], start.params["layers"]["1"]["w"]
    )
    assert (record.params["layers"]["0"]["w"] != start.params["layers"]["0"]["w"]).any()


def test_divergence_names_stage_step_and_seed():
    with pytest.raises(
        UserError,
        match=r"stage 0 epoch \d+: .* is nan since step \d+ \(seed \d\); lower its learning_rate",
    ):
        last([stage(optimizer=optax.sgd(1e30))], data(), [0, 1])


def test_projections_hold_after_every_step():
    record = last(
        [stage(project=lambda params: jax.tree.map(lambda w: w.clip(0, 0.1), params))], data(), [0]
    )
    assert all((leaf >= 0).all() and (leaf <= 0.1).all() for leaf in jax.tree.leaves(record.params))


def test_bytes_mean_fractions_of_255():
    bright = Examples((data().x * 255).round().astype(np.uint8), data().y)
    a = last([stage()], bright, [0])
    b = last([stage()], Examples(bright.x.astype(np.float32) / 255, bright.y), [0])
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6), a.params, b.params)


def test_a_stage_may_show_as_many_examples_of_each_class_drawn_by_the_seed():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2], np.int32)
    few = stage(per_class=2)
    shown = [members(few, seed, 0, y) for seed in range(5)]
    assert all((np.bincount(y[rows]) == 2).all() and (np.diff(rows) > 0).all() for rows in shown)
    assert len({rows.tobytes() for rows in shown}) > 1
    np.testing.assert_array_equal(members(few, 3, 0, y), shown[3])
    np.testing.assert_array_equal(members(stage(), 0, 0, y), np.arange(12))


def test_an_epoch_of_a_few_examples_a_class_is_over_those_alone():
    """Two of each of three classes in minibatches of 3: two steps an epoch, and the others are
    never seen.
    """
    seen = []

    def update(params, state, batch, key):
        jax.debug.callback(lambda x: seen.append(np.asarray(x)), batch.x)
        return RULE.update(params, state, batch, key)

    watching = RULE._replace(update=update)
    records = list(
        fit([stage(rule=watching, per_class=2, batch_size=3, steps=4, record_every=2)], data(), [0])
    )
    assert [record.epoch for record in records] == [0, 1, 2]
    shown = data().x[members(stage(per_class=2), 0, 0, data().y)]
    assert {row.tobytes() for row in np.concatenate(seen)} == {row.tobytes() for row in shown}


def test_what_a_rule_observes_is_asked_for_once_a_record_and_its_state_goes_on():
    counting = RULE._replace(
        init=lambda key, params, data, batch_size: jnp.zeros(2, jnp.int32),
        update=lambda p, s, batch, k: RULE.update(p, (), batch, k)._replace(state=s + 1),
        observe=lambda p, s: ({"steps": s[0], "since": s[1]}, s.at[1].set(0)),
    )
    records = list(fit([stage(rule=counting)], data(), [0, 1]))
    assert [record.observed["steps"].tolist() for record in records[1:]] == [
        [5, 5],
        [10, 10],
        [12, 12],
    ]
    assert [record.observed["since"].tolist() for record in records[1:]] == [[5, 5], [5, 5], [2, 2]]


@pytest.mark.parametrize(
    ("schedule", "left"), [("exponential", 0.1), ("linear", 0.55), ("cosine", 0.505)]
)
def test_half_way_a_schedule_has_left_what_its_curve_says(schedule, left):
    optimizer = sgd(
        10, learning_rate=1.0, decay_to=0.01 if schedule != "linear" else 0.1, schedule=schedule
    )
    params = {"layers": {"0": {"w": jnp.ones(1)}}}
    state = optimizer.init(params)
    taken = []
    for _ in range(11):
        updates, state = optimizer.update(params, state)
        taken.append(-float(updates["layers"]["0"]["w"][0]))
    assert taken[0] == pytest.approx(1.0)
    assert taken[5] == pytest.approx(left)
    assert taken[10] == pytest.approx(0.01 if schedule != "linear" else 0.1)


def test_an_exponential_schedule_cannot_end_at_zero():
    with pytest.raises(
        UserError, match="decay_to: must be greater than 0 on an exponential schedule"
    ):
        sgd(10, learning_rate=1.0, decay_to=0.0)


def test_a_stage_stops_early_at_the_first_record_whose_accuracy_is_reached():
    """The same records up to there, the same weights, and nothing after; where it is not reached
    all steps are made.
    """
    whole = [copied(record) for record in fit([stage(steps=60)], data(), [0, 1])]
    reached = [float(record.metrics["accuracy"].mean()) for record in whole[1:]]
    until = max(reached[:-1])
    stop = next(number for number, value in enumerate(reached, 1) if value >= until)
    early = [copied(record) for record in fit([stage(steps=60, until=until)], data(), [0, 1])]
    assert [record.total for record in early] == [record.total for record in whole[: stop + 1]]
    assert [record.last for record in early] == [False] * stop + [True]
    jax.tree.map(np.testing.assert_array_equal, early[-1].params, whole[stop].params)
    assert [record.total for record in fit([stage(until=1.0)], data(), [0])][-1] == 12


def test_a_rule_without_accuracy_stops_nothing_early():
    blind = RULE._replace(update=lambda *arguments: RULE.update(*arguments)._replace(metrics={}))
    with pytest.raises(UserError, match="its rule measures no accuracy"):
        last([stage(rule=blind, until=0.5)], data(), [0])
