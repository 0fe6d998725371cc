"""Files of datasets: missing, damaged, or from a server that misbehaves.

No test leaves this machine: the servers are on 127.0.0.1 and serve a dataset of four made images.
"""

import gzip
import hashlib
import io
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

from bioexp.datasets import DATASETS, DERIVED, SOURCES, Unavailable, cache, downloads, idx, store
from bioexp.datasets import inventory as command
from bioexp.datasets.arrays import digest
from bioexp.datasets.cifar10 import TEST, TRAIN
from bioexp.datasets.cifar10 import arrays as cifar_arrays
from bioexp.datasets.mnist import MNIST
from bioexp.datasets.source import RawFile, Source, flaw
from bioexp.types import UserError

LOGIN_PAGE = b"<!DOCTYPE html><html><body>Please log in to use this network.</body></html>"


@pytest.fixture(autouse=True)
def no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Caches of one's own, and neither a data folder nor a proxy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.delenv("BIOEXP_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")


def made_idx(array: np.ndarray) -> bytes:
    return gzip.compress(
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes(),
        mtime=0,
    )


X, Y = np.arange(4 * 3 * 3, dtype=np.uint8).reshape(4, 3, 3), np.array([0, 1, 0, 1], dtype=np.uint8)
CONTENTS = dict(zip(idx.NAMES, map(made_idx, (X, Y, X[:2] + 100, Y[:2])), strict=True))
TINY = Source(
    name="tiny",
    files=tuple(
        RawFile(name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in CONTENTS.items()
    ),
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
    assert [first[1 + 1024 * channel + 32 * row + column] for channel in range(3)] == read.x_train[
        0, row, column
    ].tolist()


def test_an_explicit_folder_is_read_and_then_remembered(tiny_folder: Path):
    first, second, third = (
        store.load(TINY, tiny_folder),
        store.load(TINY, tiny_folder),
        store.load(TINY, None),
    )
    assert (first.x_train == X).all()
    assert first.source == second.source == f"files in {tiny_folder / 'tiny'}"
    assert third.source == "bioexp cache"
    assert isinstance(third.x_train, np.memmap)
    assert first.digest == third.digest == digest(X, Y, X[:2] + 100, Y[:2])


def test_an_explicit_folder_is_the_only_place(tiny_folder: Path, tmp_path: Path):
    store.load(TINY, tiny_folder)
    with pytest.raises(
        UserError, match=r"elsewhere/tiny: train-images-idx3-ubyte.gz, .* not there, .*--data-dir"
    ):
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
def test_a_wrong_file_is_named_and_no_reason_to_fall_back(
    tiny_folder: Path, content: bytes, looks: str
):
    store.load(TINY, tiny_folder)  # neither cached arrays
    path = tiny_folder / "tiny" / idx.NAMES[0]
    path.write_bytes(content)
    (
        tiny_folder / "tiny" / idx.NAMES[1]
    ).unlink()  # nor another file that is missing make it anything else
    with pytest.raises(UserError) as error:
        store.load(TINY, tiny_folder)
    assert not isinstance(error.value, Unavailable)
    assert str(error.value).startswith(
        f"{path}: sha256 is {hashlib.sha256(content).hexdigest()[:8]}… instead of"
        f" {TINY.files[0].sha256[:8]}…"
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
    path.write_bytes(
        {"a flipped bit": content[:-1] + b"\xff", "a cut": content[:-1]}.get(damage, b"")
    )
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
        monkeypatch.setattr(
            downloads,
            "registry",
            lambda _: {file.sha256: f"{server.url}/{file.name}" for file in TINY.files},
        )
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
    assert [entry.name for entry in cache.root().iterdir()] == [
        cache.folder(TINY).name
    ]  # and nothing else is left behind


def test_a_login_page_instead_of_data_is_recognized(serve: Callable[..., Server]):
    def redirected(path: str) -> tuple[int, dict[str, str], bytes | None]:
        return (
            (200, {}, LOGIN_PAGE)
            if path == "/login.html"
            else (302, {"Location": "/login.html"}, b"")
        )

    serve(redirected)
    with pytest.raises(
        UserError, match=r"train-images-idx3-ubyte.gz: .*an HTML page\): open a browser and log in"
    ) as error:
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
def test_a_server_that_does_not_deliver_makes_data_unavailable(
    serve: Callable[..., Server], answer: Callable, reason: str
):
    server, start = serve(answer), time.monotonic()
    with pytest.raises(Unavailable, match=reason) as error:
        store.load(TINY, None)
    assert time.monotonic() - start < 5
    assert server.asked <= len(TINY.files)  # nothing is tried twice
    message = str(error.value)
    for place in (
        str(cache.folder(TINY)),
        str(downloads.cache_root()),
        "127.0.0.1",
        "--data-dir DIR",
        "`bioexp data fetch tiny`",
    ):
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
    monkeypatch.setattr(
        downloads,
        "registry",
        lambda _: {file.sha256: f"http://nowhere.invalid/{file.name}" for file in TINY.files},
    )
    start = time.monotonic()
    with pytest.raises(Unavailable, match=r"nothing came for 0.5 s"):
        store.load(TINY, None)
    assert time.monotonic() - start < 5
    forever.set()


def test_a_download_that_has_nowhere_to_go_names_the_folder(
    serve: Callable[..., Server], tmp_path: Path
):
    serve(right)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(
        UserError, match=r"cache/bioexp/datasets: cannot be written .* needs 0.0 MB there"
    ) as error:
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
        registered = {
            info.checksum: int(info.size) for info in tfds.builder_cls(name).url_infos.values()
        }
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
    assert (
        record["message"]
        == f"{tmp_path}/mnist/train-images-idx3-ubyte.gz: {flaw(LOGIN_PAGE, MNIST.files[0])}: "
        "replace it, or leave out --data-dir (BIOEXP_DATA_DIR) and have it downloaded"
    )


def test_data_fetch_goes_on_after_one_that_fails(tmp_path: Path):
    assert [record["status"] for record in command.fetch(["mnist", "iris", "iris"], tmp_path)] == [
        "absent",
        "ready",
    ]


@pytest.mark.parametrize(
    ("name", "message"), [("mnits", "did you mean mnist"), ("npz", "a file of your own")]
)
def test_data_refuses_names_it_does_not_know(name: str, message: str):
    with pytest.raises(UserError, match=message):
        command.fetch([name], None)
