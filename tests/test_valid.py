"""What every dataset promises, whoever made it: what is mended, what is refused and in which words;
and parts of sorted data, which cannot stand for the whole.
"""

import numpy as np
import pytest
from honest import honest_net
from made import made

from bioexp.config import build
from bioexp.config.reading import load
from bioexp.datasets import DATASETS
from bioexp.datasets.arrays import Arrays, dataset, digest
from bioexp.datasets.proportion import counted, is_lopsided
from bioexp.datasets.valid import valid
from bioexp.runs import attack as command
from bioexp.runs.asked import ladder_of
from bioexp.runs.train import fit
from bioexp.types import Dataset, UserError

NAME = "./my.py:rings"
GRAY = np.full((6, 4, 4), 200, np.uint8)
VECTORS = np.full((6, 3), 0.5, np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2], np.int32)


def rings(n_classes=3, sha256="", **changed):
    """What a builder of the user's returns: three classes, two examples of each in either split."""
    arrays = {"x_train": GRAY, "y_train": LABELS, "x_test": GRAY, "y_test": LABELS} | changed
    return Dataset("rings", "made up", **arrays, n_classes=n_classes, digest=sha256)


def everywhere(x=GRAY, y=LABELS, **changed):
    """The same array in both splits."""
    return rings(x_train=x, x_test=x, y_train=y, y_test=y, **changed)


# What is mended


@pytest.mark.parametrize("name", ["mnist5k", "iris", "blobs"])
def test_a_dataset_that_keeps_its_promises_is_left_as_it_is(name):
    data = DATASETS[name](None)
    assert valid(data, name) is data


@pytest.mark.parametrize(
    "dtype", [np.int8, np.int64, np.uint64, np.float16, np.float32, np.float64, ">i4"]
)
def test_whole_labels_of_any_type_are_int32_with_the_digest_they_would_have(dtype):
    data = valid(everywhere(y=LABELS.astype(dtype)), NAME)
    assert data.y_train.dtype == data.y_test.dtype == np.int32
    assert data.y_train.tolist() == LABELS.tolist()
    assert data.digest == dataset("rings", "", Arrays(GRAY, LABELS, GRAY, LABELS), 3).digest


def test_two_classes_may_be_truths():
    assert valid(everywhere(y=LABELS == 1, n_classes=2), NAME).y_train.tolist() == [0, 1, 0] * 2


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_floats_of_any_type_are_float32(dtype):
    assert valid(everywhere(VECTORS.astype(dtype)), NAME).x_train.dtype == np.float32


@pytest.mark.parametrize(
    ("outside", "inside"), [(1 + 2.3e-16, 1), (1 + 1e-7, 1), (1 + 9e-7, 1), (-1e-9, 0), (-9e-7, 0)]
)
def test_what_rounding_put_outside_0_to_1_is_clipped(outside, inside):
    x = np.array([[outside, 0.5]] * 6)
    assert valid(everywhere(x), NAME).x_test[:, 0].tolist() == [inside] * 6


def test_arrays_of_jax_are_taken():
    import jax.numpy as jnp

    data = valid(everywhere(jnp.asarray(VECTORS), jnp.asarray(LABELS)), NAME)
    assert type(data.x_train) is type(data.y_train) is np.ndarray


def test_labels_of_several_tasks_stay_as_they_are():
    """The classes of the second task are numbered after those of the first."""
    y = np.stack([LABELS, LABELS[::-1] + 3], axis=1)
    assert valid(everywhere(y=y, n_classes=6), NAME).y_train is y


def test_a_digest_of_ones_own_invention_is_not_believed():
    """Two runs are on the same data when the digests are the same: it must be that of the bytes."""
    assert valid(rings(sha256="0"), NAME).digest == digest(GRAY, LABELS, GRAY, LABELS)


def test_arrays_that_are_mapped_into_memory_stay_so(tmp_path):
    np.save(tmp_path / "x.npy", GRAY)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert valid(everywhere(mapped), NAME).x_train is mapped


def test_a_split_of_dark_images_among_bright_ones_is_no_concern():
    x = GRAY.copy()
    x[1:] = 3
    assert valid(everywhere(x), NAME).x_train is x


# What is refused

STANDARDIZED = np.linspace(-1.25, 2.5, 18).reshape(6, 3)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (None, "must return a Dataset, got None"),
        ((GRAY, LABELS, GRAY, LABELS), "must return a Dataset, got tuple"),
        (Arrays(GRAY, LABELS, GRAY, LABELS), "must return a Dataset, got Arrays"),
        # examples: what they mean
        (
            everywhere(np.full((6, 4, 4), 1, np.uint8)),
            "x_train: uint8 means 0 to 255, and the largest value is 1; multiply them by 255",
        ),
        (everywhere(np.full((6, 4, 4), 16, np.uint8)), "largest value is 16; multiply them by 15"),
        (everywhere(np.zeros((6, 4, 4), np.uint8)), "the largest value is 0; look at what wrote"),
        (rings(x_test=GRAY // 200), "x_test: uint8 means 0 to 255, and the largest value is 1"),
        (everywhere(STANDARDIZED), "must lie in [0, 1], got -1.25 to 2.5; rescale them"),
        (everywhere(VECTORS * 510), "got 255 to 255; divide them by 255, or store pixels as uint8"),
        (everywhere(VECTORS / 255), "the largest is 0.00196; divide pixels by 255 once"),
        (everywhere(VECTORS + 0.500002), "got 1.00000203 to 1.00000203"),
        (everywhere(VECTORS - 0.500002), "got -2.02655792e-06 to"),
        (everywhere(VECTORS * np.nan), "x_train: holds 18 values that are NaN or infinite"),
        (rings(x_test=GRAY * np.inf), "x_test: holds 96 values that are NaN or infinite"),
        # examples: type and shape
        (everywhere(GRAY.astype(object)), "must be uint8, or floats in [0, 1], got object"),
        (everywhere(GRAY.astype(int)), "must be uint8, or floats in [0, 1], got int64"),
        (everywhere(GRAY > 0), "must be uint8, or floats in [0, 1], got bool"),
        (everywhere(VECTORS * 1j), "must be uint8, or floats in [0, 1], got complex64"),
        (everywhere(VECTORS.tolist()), "x_train: must be a NumPy array, got list"),
        (everywhere(np.ma.masked_equal(VECTORS, 0)), "must be a plain array, got a masked one"),
        (everywhere(VECTORS[:, 0]), "x_train: shape must be (n, features), (n, height, width) or"),
        (everywhere(np.ones((6, 3, 9, 9))), "got (6, 3, 9, 9); move the channels last"),
        (rings(x_test=GRAY[:0], y_test=LABELS[:0]), "x_test: is empty, shape (0, 4, 4)"),
        (rings(y_test=LABELS[:0]), "y_test: is empty, shape (0,)"),
        (rings(x_train=GRAY[1:]), "x_train has 5 examples and y_train 6 labels"),
        (rings(x_test=GRAY[:, 1:]), "same shape and type, got uint8 (4, 4) and uint8 (3, 4)"),
        (rings(x_test=GRAY / 255), "same shape and type, got uint8 (4, 4) and float32 (4, 4)"),
        # labels
        (everywhere(y=LABELS + 0.5), "y_train: labels must be whole numbers, got 0.5"),
        (everywhere(y=LABELS * np.nan), "y_train: labels must be whole numbers, got nan"),
        (everywhere(y=LABELS.astype(str)), "labels must be whole numbers, got <U11; number"),
        (everywhere(y=LABELS.astype(object)), "labels must be whole numbers, got object"),
        (everywhere(y=LABELS.tolist()), "y_train: must be a NumPy array, got list"),
        (everywhere(y=LABELS - 1), "y_train: labels must be numbered from 0, got -1 to 1"),
        (everywhere(y=LABELS + 2.0**40), "numbered from 0, got 1099511627776.0 to"),
        (everywhere(y=LABELS + 1), "must lie in 0 … 2, as n_classes is 3, got 1 to 3; subtract 1"),
        (
            everywhere(y=LABELS + 1, n_classes=4),
            "class 0 of 4 has no example in y_train and 0 in y_test; number the classes from 0"
            " (subtract 1)",
        ),
        (
            everywhere(y=2 * LABELS, n_classes=5),
            "classes 1, 3 of 5 have no example in y_train and 0 in y_test; number those that there"
            " are 0 … 2",
        ),
        (everywhere(n_classes=10), "classes 3, 4, 5, 6, 7, 8, 9 of 10 have no example"),
        (everywhere(n_classes=10**9), "10, 11, 12, … of 1,000,000,000 have no example"),
        (everywhere(n_classes=2), "labels must lie in 0 … 1, as n_classes is 2, got 0 to 2; raise"),
        (
            rings(y_train=LABELS % 2),
            "class 2 of 3 has no example in y_train and 2 in y_test",
        ),
        (everywhere(y=np.eye(3)[LABELS]), "of one-hot labels take the argmax: y.argmax(axis=1)"),
        (
            everywhere(y=LABELS.reshape(1, 6, 1)),
            "must have shape (n,) or (n, tasks), got (1, 6, 1)",
        ),
        (everywhere(y=np.stack([LABELS] * 2, 1), n_classes=6), "column 1 must lie in 3 … 5, got 0"),
        (everywhere(y=np.stack([LABELS] * 2, 1)), "labels of 2 tasks need as many classes each"),
        (rings(y_test=np.stack([LABELS] * 2, 1)), "as many labels for each example"),
        # the rest of the record
        (rings(n_classes=3.0), "n_classes must be a whole number from 1, got 3.0"),
        (rings(n_classes=0), "n_classes must be a whole number from 1, got 0"),
        (Dataset(None, "", GRAY, LABELS, GRAY, LABELS, 3, ""), "name must be text, got None"),
    ],
)
def test_what_breaks_a_promise_is_refused_by_the_name_of_its_builder(made, message):
    with pytest.raises(UserError) as error:
        valid(made, NAME)
    assert str(error.value).startswith(f"{NAME}: ")
    assert message in str(error.value)


MINE = """\
import numpy as np
from bioexp.datasets.arrays import Arrays, dataset

def rings(data_dir, report):
    x, y = np.random.default_rng(0).random((90, 6)), np.arange(90) % 3
    return {returned}
"""


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("dataset('rings', '', Arrays(x, y, x, y), 3)", None),
        ("x, y, x, y", "must return a Dataset, got tuple"),
        ("dataset('rings', '', Arrays(x - 0.5, y, x, y), 3)", "x_train: floats must lie in [0, 1]"),
        ("dataset('rings', '', Arrays(x, y + 1, x, y), 4)", "class 0 of 4 has no example"),
        ("dataset('rings', '', Arrays(x, y * np.nan, x, y), 3)", "y_train: labels must be whole"),
        (
            "dataset('rings', '', Arrays(x, y.astype(str), x, y), 3)",
            "y_train: labels must be whole",
        ),
        (
            "dataset('rings', '', Arrays(x, np.array(['a'] * 90), x, y), 3)",
            "y_train: labels must be whole numbers, got <U1; number the classes",
        ),
        ("dataset('rings', '', Arrays(x.astype(object), y, x, y), 3)", "x_train: must be uint8"),
    ],
)
def test_a_builder_of_ones_own_is_held_to_the_same(
    bioexp, write_config, tmp_path, returned, message
):
    (tmp_path / "my.py").write_text(MINE.format(returned=returned))
    path = write_config()
    code, _, err = bioexp("train", path, "--set", f"dataset={NAME}")
    assert (code, "Traceback" in err) == (2 if message else 0, False), err
    assert message is None or f"{NAME}: {message}" in " ".join(err.split())


def test_images_outside_the_box_are_not_attacked():
    """The projection onto the box would change them at eps 0 already."""
    net = honest_net()
    data = Dataset("made", "made", net.images / 127, net.labels, net.images, net.labels, 4, "0")
    ladder = ladder_of("fgsm", 0.1)
    beyond = command.Net(net.apply, net.params, net.images / np.float32(127), net.labels)
    with pytest.raises(UserError, match=r"made/0-s0: test images must lie in \[0, 1\]"):
        command._attack_net(made(dataset=data), beyond, [], ladder, lambda *news: None)


# Parts of sorted data

SORTED = np.repeat(np.arange(10), 400)
TURNS = np.tile(np.arange(10), 400)


@pytest.mark.parametrize(
    ("part", "whole", "lopsided"),
    [
        (SORTED[-400:], SORTED, True),  # one class
        (SORTED[:-400], SORTED, True),  # all but one
        (SORTED[:6], SORTED, True),
        (SORTED[:2500] // 5, SORTED // 5, True),  # two classes, 4 to 1
        (SORTED, SORTED, False),
        (TURNS[:100], TURNS, False),
        (TURNS[:3], TURNS, False),  # too few to tell
        (SORTED[:1], SORTED, False),
        (np.zeros(50, int), np.zeros(100, int), False),  # one class is all there is
        (np.stack([SORTED[:400]] * 2, 1), np.stack([SORTED] * 2, 1), True),  # several tasks
    ],
)
def test_a_part_of_sorted_data_is_lopsided(part, whole, lopsided):
    assert is_lopsided(part, whole) == lopsided


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_a_part_of_shuffled_data_is_never_lopsided(classes):
    for seed in range(200):
        whole = np.random.default_rng(seed).integers(0, classes, 1000)
        assert not any(is_lopsided(whole[:n], whole) for n in (1, 5, 8, 20, 100, 500))


def test_the_counts_are_said():
    assert counted(SORTED[-400:], SORTED) == (
        "400 of 4,000 examples, of 1 of 10 classes (400 of class 9, none of 0, 1, 2, 3, 4, …)"
    )


ORDERED = """\
import numpy as np
from bioexp.datasets.arrays import Arrays, dataset

def rings(data_dir, report):
    y = np.arange(120) // 40
    x = 0.25 + 0.25 * y[:, None] + 0.1 * np.random.default_rng(0).random((120, 6))
    return dataset('rings', '', Arrays(x, y, x, y), 3)
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "validate=true",
            "validate: holds out 12 of 120 examples, of 1 of 3 classes (12 of class 2, none of 0,"
            " 1), as examples in random order would not be; shuffle the data once",
        ),
        ("validate=1/3", "validate: holds out 40 of 120 examples, of 1 of 3 classes"),
        ("examples=50", "examples: takes the first 50 of 120 examples, of 2 of 3 classes"),
    ],
)
def test_a_part_of_one_class_neither_trains_nor_selects(write_config, tmp_path, change, message):
    (tmp_path / "my.py").write_text(ORDERED)
    (experiment,) = load(write_config(), [f"dataset={NAME}", change])
    with pytest.raises(UserError) as error:
        fit(experiment, results=tmp_path / "results")
    assert f"--set {change}  {message}" in str(error.value)


def test_an_attack_on_images_of_one_class_is_refused(write_config, bioexp, tmp_path):
    (tmp_path / "my.py").write_text(ORDERED)
    assert bioexp("train", write_config(), "--set", f"dataset={NAME}")[0] == 0
    code, _, err = bioexp("attack", "--fgsm", "--eps", "0.1", "--n", 30)
    assert code == 2
    assert "--n 30: takes the first 30 of 120 examples, of 1 of 3 classes (30 of class 0" in err
    assert bioexp("attack", "--fgsm", "--eps", "0.1")[0] == 0


def test_few_of_sorted_images_are_taken_from_all_over_them():
    """Where a check looks at some images only, they are the first unless those are of one class."""
    images = np.full((4000, 2), 0.5)
    for labels, classes in ((SORTED, 10), (TURNS, 10)):
        net = command.Net(honest_net().apply, {}, images, labels)
        places = command._few(np.arange(4000), net, 100)
        assert len(set(labels[places])) == classes
        assert (places.tolist() == list(range(100))) == (labels is TURNS)


def test_nothing_held_out_is_refused_with_numbers(write_config):
    (experiment,) = load(write_config(), ["validate=true", "examples=8"])
    _, data = build.dataset_of(experiment, None, print)
    with pytest.raises(UserError, match="validate: holds out none of 8 examples; leave it out"):
        build.parts_of(experiment, data, print)


def test_a_class_that_few_examples_lack_is_told(write_config):
    (experiment,) = load(write_config(), ["examples=2"])
    _, data = build.dataset_of(experiment, None, print)
    heard = []
    assert len(build.parts_of(experiment, data, heard.append).train.y) == 2
    assert "examples: takes the first 2 of 300 examples, of 2 of 3 classes" in heard[0]
