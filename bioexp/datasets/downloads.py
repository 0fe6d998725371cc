"""Raw files by way of TFDS: its registry of addresses, its download cache, its DownloadManager, and
none of its decoders.

TFDS trusts its cache by name, and retries for minutes where there is no network. So every file is
hashed (those in the cache by the caller), no request is repeated, and a request is given up when
nothing arrives for ten seconds, name resolution included.
"""

from __future__ import annotations

import functools
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from bioexp.datasets.source import Report, Source, Unavailable, flaw
from bioexp.files import expanded, home
from bioexp.types import UserError

TIMEOUT = (3.0, 8.0)  # seconds to connect, seconds between two pieces of the answer
SILENCE = 10.0  # seconds without a byte on the disk, whatever the reason
PROGRESS = 5.0  # seconds between two reports


def cache_root() -> Path:
    """TFDS's download cache: ${TFDS_DATA_DIR:-~/tensorflow_datasets}/downloads."""
    return expanded(os.environ.get("TFDS_DATA_DIR") or home() / "tensorflow_datasets") / "downloads"


def cached(source: Source) -> list[Path]:
    """Where TFDS would have put the raw files; older versions had no folder for each dataset. The
    files need not be there.
    """
    if not cache_root().is_dir():  # spares the seconds of importing TFDS
        return [cache_root() / file.name for file in source.files]
    from tensorflow_datasets.core.download.resource import get_dl_fname

    def place(url: str, sha256: str) -> Path:
        name = get_dl_fname(url, sha256)
        new, old = cache_root() / source.name / name, cache_root() / name
        return old if old.exists() and not new.exists() else new

    return [
        place(url, file.sha256) for url, file in zip(addresses(source), source.files, strict=True)
    ]


def registry(name: str) -> dict[str, str]:
    """What TFDS registers for a dataset: sha256 -> URL."""
    import tensorflow_datasets as tfds

    return {info.checksum: url for url, info in tfds.builder_cls(name).url_infos.items()}


def addresses(source: Source) -> list[str]:
    """The URL of every raw file. Raises Unavailable where TFDS does not know it."""
    try:
        urls = registry(source.name)
    except ImportError as error:
        raise Unavailable(f"tensorflow_datasets cannot be imported ({error})") from error
    if missing := [file.name for file in source.files if file.sha256 not in urls]:
        raise Unavailable(
            f"tensorflow_datasets does not register {', '.join(missing)} with the sha256 that"
            " bioexp knows"
        )
    return [urls[file.sha256] for file in source.files]


def download(source: Source, within: Path, report: Report) -> list[bytes]:
    """The contents of the raw files, fetched into a temporary folder below `within` and checked.

    Raises Unavailable if they cannot be had, UserError if something else came instead or the folder
    cannot be written.
    """
    urls = addresses(source)
    host, total = urlsplit(urls[0]).hostname, sum(file.size for file in source.files)
    report(f"{source.name}: downloading {_mb(total)} from {host}")
    try:
        within.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".download-", dir=within, ignore_cleanup_errors=True
        ) as folder:
            work = functools.partial(_fetch, urls, Path(folder))
            with _impatient():
                paths = _watched(
                    work,
                    Path(folder),
                    lambda size: report(f"{source.name}: {_mb(size)} of {_mb(total)}"),
                )
            contents = [path.read_bytes() for path in paths]
    except _request_errors() as error:
        raise Unavailable(f"{host}: {_reason(error)}") from error
    except OSError as error:
        raise UserError(
            f"{within}: cannot be written ({error.strerror or error}); the download needs"
            f" {_mb(total)} there"
        ) from error
    for url, content, file in zip(urls, contents, source.files, strict=True):
        if wrong := flaw(content, file):
            login = "open a browser and log in to this network, then " if "HTML" in wrong else ""
            raise UserError(f"{url}: {wrong}: {login}run `bioexp data fetch {source.name}` again")
    return contents


def _fetch(urls: list[str], folder: Path) -> list[Path]:
    """TFDS's DownloadManager at work. It records checksums instead of comparing them, so that a
    wrong file is left to be looked at.
    """
    from requests.utils import get_environ_proxies
    from tensorflow_datasets.core.download import DownloadManager

    if not get_environ_proxies(urls[0]):
        # if this hangs, it is not in TFDS's pool, for which Python waits when it exits
        with suppress(OSError):  # the request will say it better
            socket.getaddrinfo(urlsplit(urls[0]).hostname, None)
    manager = DownloadManager(
        download_dir=folder,
        register_checksums=True,
        register_checksums_path=folder / "checksums.tsv",
    )
    return [Path(path) for path in manager.download(urls)]


@contextmanager
def _impatient() -> Iterator[None]:
    """TFDS's downloader without retries and progress bars, and with a time limit on every request.

    It stays so after a failure: other files may then still be on their way, in threads of TFDS.
    """
    from tensorflow_datasets.core.download import downloader
    from tensorflow_datasets.core.utils import tqdm_utils

    retries, open_url, bars = downloader.MAX_RETRIES, downloader._open_url, tqdm_utils._active
    downloader.MAX_RETRIES, downloader._open_url = 0, functools.partial(open_url, timeout=TIMEOUT)
    tqdm_utils.display_progress_bar(False)
    yield
    downloader.MAX_RETRIES, downloader._open_url = retries, open_url
    tqdm_utils.display_progress_bar(bars)


def _watched(
    work: Callable[[], list[Path]], folder: Path, progress: Callable[[int], None]
) -> list[Path]:
    """The result of `work`, as long as what it writes into `folder` grows. Its thread cannot be
    killed, but need not be waited for.
    """
    future: Future[list[Path]] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # raised again by future.result()
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    size, grown, told = 0, time.monotonic(), time.monotonic()
    while not wait([future], timeout=0.1).done:
        now = time.monotonic()
        if (bigger := _size(folder)) > size:
            size, grown = bigger, now
        if now - grown > SILENCE:
            raise Unavailable(f"nothing came for {SILENCE:g} s")
        if now - told > PROGRESS:
            progress(size)
            told = now
    return future.result()


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # renamed meanwhile
            continue
    return total


def _request_errors() -> tuple[type[Exception], ...]:
    import requests
    from tensorflow_datasets.core.download.util import DownloadError

    return requests.RequestException, DownloadError


def _reason(error: Exception) -> str:
    """A failed request in a few words: an exception of requests is a paragraph around one of
    urllib3 that says what happened.
    """
    cause = error.args[0] if error.args else None
    kinds = [type(each).__name__ for each in (getattr(cause, "reason", None), cause, error)]
    words = {
        "NameResolutionError": "its name cannot be resolved (no network?)",
        "NewConnectionError": "no connection",
        "ConnectTimeoutError": f"no connection within {TIMEOUT[0]:g} s",
        "ReadTimeoutError": f"no answer within {TIMEOUT[1]:g} s",
        "ProxyError": "the proxy does not answer",
        "SSLError": "its certificate is not to be trusted (a login page in between?)",
        "ResponseError": "the server reports an error of its own",
        "ChunkedEncodingError": "the connection broke off",
        "ProtocolError": "the connection broke off",
        "DownloadError": str(error),
    }
    return next((words[kind] for kind in kinds if kind in words), type(error).__name__)


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
