"""Datasets that lie in raw files: where they are looked for, in which order, and what is said when
they are nowhere.

An explicit folder is the only place looked at. Otherwise: the bioexp cache, TFDS's download cache,
a download. Files that are there are hashed before anything is made of them; one that is wrong is an
error, never passed over. Importing TFDS costs 2 s, which only the last two places pay.
"""

from __future__ import annotations

from pathlib import Path

from bioexp.datasets import cache, downloads
from bioexp.datasets.arrays import Arrays, dataset, digest
from bioexp.datasets.source import Missing, RawFile, Report, Source, Unavailable, flaw, silent
from bioexp.types import Dataset, UserError


def load(
    source: Source, data_dir: Path | None, report: Report = silent, online: bool = True
) -> Dataset:
    """The dataset, from the first place that has it.

    data_dir: an explicit folder, the only place then. online: whether it may be downloaded.
    Raises Unavailable if it is in none of the places, UserError for a file that is there but wrong.
    """
    if data_dir is not None:
        return _from_folder(source, data_dir, report)
    if kept := cache.read(source):
        return dataset(source.name, "bioexp cache", kept.arrays, source.n_classes, kept.digest)
    tried = [f"bioexp cache {cache.folder(source)}: not there"]
    try:
        raw, missing = _gather(
            source, downloads.cached(source), f"delete it and run `bioexp data fetch {source.name}`"
        )
        if not missing:
            return _decoded(source, raw, "TFDS download cache", report)
        tried.append(f"TFDS download cache {downloads.cache_root()}: not there")
        if online:
            return _decoded(
                source, downloads.download(source, cache.root(), report), "download", report
            )
    except Unavailable as error:
        tried.append(f"download by TFDS: {error}")
    places = "".join(f"\n  {place}" for place in tried)
    raise Unavailable(f"{source.name}: not on this machine; looked in{places}\n{_remedy(source)}")


def _from_folder(source: Source, data_dir: Path, report: Report) -> Dataset:
    folder = data_dir / source.name
    paths = [folder / file.name for file in source.files]
    raw, missing = _gather(
        source,
        paths,
        "replace it, or leave out --data-dir (BIOEXP_DATA_DIR) and have it downloaded",
    )
    if missing:
        raise Missing(
            f"{folder}: {', '.join(missing)} not there, and an explicit --data-dir"
            " (BIOEXP_DATA_DIR) is the only place looked at; put the files there, or leave out"
            f" --data-dir and run `bioexp data fetch {source.name}`"
        )
    return _decoded(source, raw, f"files in {folder}", report)


def _gather(source: Source, paths: list[Path], remedy: str) -> tuple[list[bytes], list[str]]:
    """The contents of the raw files that are there, each of which must be right, and the names of
    those that are not.
    """
    contents = [
        _content(path, file, remedy) for path, file in zip(paths, source.files, strict=True)
    ]
    missing = [
        file.name for content, file in zip(contents, source.files, strict=True) if content is None
    ]
    return [content for content in contents if content is not None], missing


def _content(path: Path, file: RawFile, remedy: str) -> bytes | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {(error.strerror or str(error)).lower()}: {remedy}"
        ) from error
    if wrong := flaw(content, file):
        raise UserError(f"{path}: {wrong}: {remedy}")
    return content


def _decoded(source: Source, raw: list[bytes], where: str, report: Report) -> Dataset:
    """The dataset that is in these raw files: from the cache if they were decoded before, as what
    is in there came from the same bytes.
    """
    kept = cache.read(source) or cache.write(source, _decode(source, raw), report)
    return dataset(source.name, where, kept.arrays, source.n_classes, kept.digest)


def _decode(source: Source, raw: list[bytes]) -> Arrays:
    arrays = source.decode(raw)
    digests = digest(*arrays[:2]), digest(*arrays[2:])
    if source.digests and source.digests != digests:
        raise AssertionError(
            f"{source.name}: decoding the right files gave {digests} instead of {source.digests}"
        )
    return arrays


def _remedy(source: Source) -> str:
    files = ", ".join(file.name for file in source.files)
    return (
        f"run `bioexp data fetch {source.name}` where there is a network, or put {files} into a"
        f" folder DIR/{source.name} and give --data-dir DIR; `--dataset mnist5k` needs neither"
    )
