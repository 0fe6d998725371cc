"""Prototype scores, accuracies and digests of code."""

import jax.numpy as jnp
import numpy as np

from bioexp.config.reading import load
from bioexp.measures.accuracy import correct
from bioexp.measures.prototypes import ClassMeans, class_means, correlations, prototype_score
from bioexp.models import mlp
from bioexp.runs.labels import labels
from bioexp.runs.provenance import code_digest


def test_the_class_means_themselves_score_one():
    rng = np.random.default_rng(0)
    x, y = rng.random((30, 4, 4)), np.arange(30) % 3
    means = class_means(x, y, 3)
    np.testing.assert_allclose(means.classes[1], x[y == 1].reshape(10, 16).mean(axis=0))
    assert abs(prototype_score(means.classes, means) - 1) < 1e-12


def test_correlations_are_partial_ones_given_the_overall_mean():
    """Of residuals of a regression on the overall mean and a constant."""
    rng = np.random.default_rng(0)
    means = ClassMeans(rng.random((3, 9)), rng.random(9))
    w, shared = rng.random((5, 9)), np.column_stack([np.ones(9), means.overall])
    left = [rows.T - shared @ np.linalg.lstsq(shared, rows.T)[0] for rows in (w, means.classes)]
    expected = np.corrcoef(left[0].T, left[1].T)[:5, 5:]
    np.testing.assert_allclose(correlations(w, means), expected)


def test_what_all_classes_share_correlates_with_none():
    rng = np.random.default_rng(0)
    x, y = rng.random((30, 3, 3)) + rng.random((3, 3)), np.arange(30) % 3
    means = class_means(x, y, 3)
    shared = np.stack([np.ones(9), means.overall, 3 * means.overall + 2])
    assert (correlations(shared, means) == 0).all()


def test_every_example_is_counted_whatever_the_batches():
    model = mlp((4,), 3, hidden=())
    params = {"layers": {"0": {"w": jnp.stack([jnp.eye(3, 4)] * 2), "b": jnp.zeros((2, 3))}}}
    x = np.eye(4, dtype=np.float32)[np.arange(2503) % 3]
    y = (np.arange(2503) % 3).astype(np.int32)
    y[:100] = 1 - np.minimum(y[:100], 1)
    right = correct(model.apply, params, x, y)
    assert right.shape == (2, 2503)
    assert right[0, 100:].all()
    assert not right[0, :100].any()


def test_the_code_digest_sees_models_rules_and_optimizers_but_not_data(write_config):
    path = write_config()
    digests = {
        change: code_digest(*load(path, [change] if change else []))
        for change in (
            "",
            "dataset.name=iris",
            "stages.0.steps=3",
            "model.name=log_net",
            "stages.0.optimizer.name=adam",
        )
    }
    assert digests[""] == digests["dataset.name=iris"] == digests["stages.0.steps=3"]
    assert digests["model.name=log_net"] != digests[""]


def test_experiments_that_share_a_name_are_told_apart_by_no_more_than_it_takes():
    def config(rule, rate, **more):
        return {"stages": [{"rule": {"name": rule}, "optimizer": {"learning_rate": rate}, **more}]}

    alone = ("other", config("oja", 1))
    assert labels([alone, ("net", config("oja", 1))]) == ["other", "net"]
    rules = [("net", config(rule, rate)) for rule, rate in (("oja", 0.1), ("backprop", 0.2))]
    assert labels([rules[0], alone, rules[1]]) == ["net, rule oja", "other", "net, rule backprop"]
    grid = [("net", config(rule, rate)) for rule in ("oja", "backprop") for rate in (0.1, 0.2)]
    assert labels(grid)[2:] == [
        "net, rule backprop, learning_rate 0.1",
        "net, rule backprop, learning_rate 0.2",
    ]
    assert labels([("net", config("oja", 1, until=0.9)), ("net", config("oja", 1))]) == [
        "net, until 0.9",
        "net, no until",
    ]
    long = [("net", {"a": {"long": [rate] * 30}, **config("oja", rate)}) for rate in (1, 2)]
    assert labels(long) == ["net, learning_rate 1", "net, learning_rate 2"]
    assert labels([alone, alone]) == ["other, 1", "other, 2"]
