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
from bioexp.training import Checkpoint, fit, order
from bioexp.types import Examples, Stage, UserError

MODEL = mlp((6,), 3, hidden=(4,))
RULE = backprop(MODEL, cross_entropy())


def data(n=40):
    rng = np.random.default_rng(0)
    y = np.arange(n, dtype=np.int32) % 3
    return Examples((rng.random((n, 6)) * 0.5 + y[:, None] * 0.2).astype(np.float32), y)


def stage(**changes):
    plain = Stage(MODEL, RULE, optax.sgd(0.1), lambda params: params, (0, 1), batch_size=8, steps=12, record_every=5)
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
    parts = [order(3, 1, start, stop, n=41, batch_size=8) for start, stop in ((0, 3), (3, 11), (11, 20))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_epochs_seeds_and_stages_are_shuffled_differently():
    orders = [order(*where, n=40, batch_size=8).tobytes() for where in ((0, 0, 0, 5), (0, 0, 5, 10), (1, 0, 0, 5), (0, 1, 0, 5))]
    assert len(set(orders)) == 4


def test_records_come_at_the_start_every_so_often_at_marks_and_at_the_end():
    records = [record.total for record in fit([stage(), stage(steps=3)], data(), [0], marks=[7, 13])]
    assert records == [0, 5, 7, 10, 12, 13, 15]


def test_one_step_is_one_gradient_step():
    """w - learning_rate * gradient of the mean loss over the first minibatch, written out."""
    records = fit([stage(steps=1)], data(), [5])
    before = jax.tree.map(lambda leaf: leaf[0], jax.device_get(next(records).params))
    after = jax.tree.map(lambda leaf: leaf[0], jax.device_get(next(records).params))
    rows = order(5, 0, 0, 1, n=40, batch_size=8)[0]
    x, y = jnp.asarray(data().x[rows]), jnp.asarray(data().y[rows])
    gradient = jax.grad(lambda p: cross_entropy().per_example(MODEL.apply(p, x)[0], y).mean())(before)
    expected = jax.tree.map(lambda w, g: w - 0.1 * g, before, gradient)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), after, expected)


def test_a_seed_starts_the_same_alone_and_in_a_group():
    """Initial weights and data order are identical; the first update agrees to 1e-6 (vmap rounds differently)."""
    alone = [copied(record) for record in fit([stage(steps=1)], data(), [2])]
    group = [copied(record) for record in fit([stage(steps=1)], data(), [0, 1, 2])]
    for a, b, tolerance in zip(alone, group, (0, 1e-6), strict=True):
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x[0], y[2], atol=tolerance, rtol=0), a.params, b.params)  # noqa: B023


def test_a_group_repeats_to_the_same_bits():
    one, two = (last([stage()], data(), [0, 1]) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, one.state, two.state)


@pytest.fixture(scope="module")
def two_stages():
    """Two stages, the second on frozen features, and every record of training two seeds through them."""
    head = stage(steps=6, train=(1,), rule=backprop(above(MODEL, 1), cross_entropy()), optimizer=optax.adam(0.01))
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
    """Caching what lies below the first trained layer is the same as training it with a rate of zero."""
    cached = last([stage(train=(1,), rule=backprop(above(MODEL, 1), cross_entropy()))], data(), [0, 1])
    still = last([stage(optimizer=sgd(12, learning_rate={"layers/0": 0.0, "layers/1": 0.1}))], data(), [0, 1])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), cached.params, still.params)


def test_layers_above_that_do_not_learn_stay():
    record = last([stage(train=(0,))], data(), [0])
    start = next(iter(fit([stage()], data(), [0])))
    np.testing.assert_array_equal(record.params["layers"]["1"]["w"], start.params["layers"]["1"]["w"])
    assert (record.params["layers"]["0"]["w"] != start.params["layers"]["0"]["w"]).any()


def test_divergence_names_stage_step_and_seed():
    with pytest.raises(UserError, match=r"stage 0 epoch \d+: .* is nan since step \d+ \(seed \d\); lower its learning_rate"):
        last([stage(optimizer=optax.sgd(1e30))], data(), [0, 1])


def test_projections_hold_after_every_step():
    record = last([stage(project=lambda params: jax.tree.map(lambda w: w.clip(0, 0.1), params))], data(), [0])
    assert all((leaf >= 0).all() and (leaf <= 0.1).all() for leaf in jax.tree.leaves(record.params))


def test_bytes_mean_fractions_of_255():
    bright = Examples((data().x * 255).round().astype(np.uint8), data().y)
    a = last([stage()], bright, [0])
    b = last([stage()], Examples(bright.x.astype(np.float32) / 255, bright.y), [0])
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6), a.params, b.params)
