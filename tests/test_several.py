"""Datasets made of others: who stands where, how labels are numbered, and what does not fit
together.
"""

import json

import numpy as np
import pytest

from bioexp.datasets import DATASETS
from bioexp.datasets.several import parts
from bioexp.datasets.source import Missing
from bioexp.types import UserError


def blobs(seed, features=(4, 3), classes=3):
    return {"name": "blobs", "features": features, "classes": classes, "seed": seed}


def alone(seed, **options):
    return DATASETS["blobs"](
        None, **{key: value for key, value in blobs(seed, **options).items() if key != "name"}
    )


def positions(examples, among):
    """Where each example stands in another array of examples."""
    found = [
        np.flatnonzero((among == one).all(axis=tuple(range(1, among.ndim)))) for one in examples
    ]
    assert all(len(places) == 1 for places in found)
    return np.concatenate(found)


@pytest.mark.parametrize("features", [(4, 3), (6,)])
def test_concatenation_holds_every_example_of_each_beside_one_of_the_others(features):
    found = DATASETS["concatenation"](None, of=(blobs(1, features), blobs(2, features)))
    assert (found.name, found.n_classes) == ("concatenation", 6)
    for number, part in enumerate(parts(found.x_train, 2)):
        own = alone(1 + number, features=features)
        order = positions(part, own.x_train)
        np.testing.assert_array_equal(np.sort(order), np.arange(len(own.y_train)))
        np.testing.assert_array_equal(found.y_train[:, number], own.y_train[order] + 3 * number)
        assert (order == np.arange(len(order))).all() == (number == 0)


def test_sequential_takes_turns_and_numbers_labels_through_the_datasets():
    found = DATASETS["sequential"](None, of=(blobs(1), blobs(2), blobs(3)))
    assert found.shape == (4, 3)
    np.testing.assert_array_equal(found.y_test[:9] // 3, [0, 1, 2] * 3)
    for number in range(3):
        np.testing.assert_array_equal(
            found.x_test[found.y_test // 3 == number], alone(1 + number).x_test
        )


def test_pairs_are_the_same_every_time_and_others_in_train_and_test():
    twice = [DATASETS["concatenation"](None, of=(blobs(1), blobs(2))) for _ in range(2)]
    assert twice[0].digest == twice[1].digest
    assert twice[0].digest != DATASETS["concatenation"](None, of=(blobs(2), blobs(1))).digest


@pytest.mark.parametrize("name", ["concatenation", "sequential"])
@pytest.mark.parametrize(
    ("of", "message"),
    [
        ((blobs(1),), "at least two"),
        ((blobs(1), blobs(2, (3, 4))), r"one size and type: blobs has \(4, 3\).*give resize"),
        ((blobs(1), blobs(2, classes=4)), "3 classes and blobs 4"),
        ((blobs(1), "mnits"), "did you mean mnist"),
        ((blobs(1), "sequential"), "unknown dataset"),
        ((blobs(1), {"name": "blobs", "fatures": 3}), "did you mean features"),
    ],
)
def test_datasets_that_do_not_fit_together_are_refused(name, of, message):
    with pytest.raises(UserError, match=message):
        DATASETS[name](None, of=of)


def test_images_are_resized_only_when_asked(tmp_path):
    paths = []
    for side in (4, 6):
        paths.append(tmp_path / f"{side}.npz")
        x, y = np.full((4, side, side), 10 * side, np.uint8), np.array([0, 1, 0, 1])
        np.savez(paths[-1], x_train=x, y_train=y, x_test=x, y_test=y)
    of = tuple({"name": "npz", "path": str(path)} for path in paths)
    with pytest.raises(UserError, match="give resize"):
        DATASETS["concatenation"](None, of=of)
    found = DATASETS["concatenation"](None, of=of, resize=5)
    assert found.shape == (5, 10)
    assert {int(part.mean()) for part in parts(found.x_train, 2)} == {40, 60}
    with pytest.raises(UserError, match="no images of bytes"):
        DATASETS["concatenation"](None, of=(blobs(1, (6,)), blobs(2, (6,))), resize=5)


def test_a_dataset_that_is_missing_is_named(tmp_path):
    with pytest.raises(Missing, match="fashion_mnist"):
        DATASETS["concatenation"](tmp_path, of=(blobs(1), "fashion_mnist"))


CONFIG = """\
name: small
dataset:
  name: {dataset}
  of: [{{name: blobs, features: [4, 4]}}, {{name: blobs, features: [4, 4], seed: 1}}]
model: {{name: spatial_net, hidden: [5, 5, 5, 5]}}
stages:
  - rule: {rule}
    objective: {{name: spatial_cross_entropy, alpha: {alpha}, beta: 3.0}}
    batch_size: 20
    steps: 12
    record_every: 6
"""


@pytest.mark.parametrize(
    ("dataset", "rule"), [("concatenation", "dealt_backprop"), ("sequential", "backprop")]
)
def test_a_net_of_two_heads_trains_and_is_scored_task_by_task(
    bioexp, write_config, tmp_path, dataset, rule
):
    path = write_config(CONFIG.format(dataset=dataset, rule=rule, alpha=1.0))
    code, _, err = bioexp("train", path)
    assert code == 0, err
    (folder,) = (tmp_path / "results" / "small").iterdir()
    summary = json.loads((folder / "summary.json").read_text())
    tasks = [summary[f"test_accuracy_task{task}"] for task in range(2)]
    assert summary["test_accuracy"] == pytest.approx(np.mean(tasks))
    provenance = json.loads((folder / "provenance.json").read_text())["dataset"]
    assert provenance["name"] == dataset
    assert provenance["source"].count("blobs: ") == 2
    code, _, err = bioexp("attack", "small", "--fgsm", "--eps", "0.1", "--n", "20")
    if dataset == "concatenation":
        assert code == 0, err
        table = json.loads((folder / "robustness.json").read_text())
        assert table["n"] == 20
    else:
        assert code == 2
        assert "asks one of 2 heads" in err


def test_a_negative_price_is_refused_with_its_line(bioexp, write_config):
    code, _, err = bioexp(
        "train", write_config(CONFIG.format(dataset="concatenation", rule="backprop", alpha=-1.0))
    )
    assert code == 2
    assert "small.yaml:8" in err
    assert "alpha: must be at least 0, got -1.0" in err


def test_examples_of_several_labels_cannot_be_drawn_by_class(bioexp, write_config):
    text = CONFIG.format(dataset="concatenation", rule="backprop", alpha=1.0).replace(
        "batch_size: 20", "batch_size: 2\n    per_class: 2"
    )
    code, _, err = bioexp("train", write_config(text))
    assert code == 2
    assert "have several labels each" in err
