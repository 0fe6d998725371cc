"""A run directory: where it lies, whether it can be trusted, how it is read back.

    <results>/<experiment>[@<dataset>]/<hash12>-s<seed>/
        config.yaml provenance.json metrics.jsonl summary.json weights.npz snapshots/ figures/
        attacks/ FINISHED

FINISHED is written last, and vouches for what training wrote (`bioexp.vouched`). Without it a
directory is continued by `bioexp train`, and believed by nobody; FAILED says why the last try ended
otherwise, QUEUED that a worker is to come, and .lock who is at work (`bioexp.runs.lock`).
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

import yaml

from bioexp import records
from bioexp.config import strict_yaml
from bioexp.config.reading import DIGITS, config_digest, identity, resolved
from bioexp.experiment import Experiment, Run
from bioexp.files import (
    expanded,
    make_folder,
    read_arrays,
    remove,
    write_arrays,
    write_atomically,
    write_text,
)
from bioexp.records import Config, Provenance, Summary
from bioexp.runs.lock import Busy
from bioexp.runs.provenance import code_digest
from bioexp.tree import flatten, unflatten
from bioexp.types import Params, UserError
from bioexp.vouched import FORMAT, altered, other_format, vouch

NAME = re.compile(r"([0-9a-f]+)-s(0|[1-9][0-9]*)")
WRITTEN = (  # what FINISHED vouches for: what training wrote
    *("config.yaml", "provenance.json", "metrics.jsonl", "summary.json", "weights.npz"),
    *("snapshots/*.npz", "figures/*.png", "**/*.py", "**/*.so"),
)
LEFT = (  # what a run holds besides its config, and what is forgotten when it starts over
    "ATTACKED",
    "ATTACKED_training",
    "metrics.jsonl",
    "state.npz",
    "snapshots",
    "figures",
    "attacks",
    "attacks_l2",
    "attacks_training",
    "attacks_l2_training",
    "robustness.json",
    "robustness.csv",
    "robustness.md",
    "robustness.png",
    "robustness_training.json",
    "robustness_training.csv",
    "robustness_training.md",
    "FAILED",
)


def directory(results: Path, experiment: Experiment, seed: int) -> Path:
    """Where the run of this experiment and seed lies: the same config is the same directory."""
    return results / experiment.folder / f"{identity(experiment)}-s{seed}"


def is_finished(path: Path) -> bool:
    """Whether the run went through to its end."""
    return (path / "FINISHED").is_file()


def stale(path: Path, experiment: Experiment) -> str:
    """Why a finished run is to be trained again: it is of another format, or other numerical code
    than today's made it; "" where it can be used.

    Raises UserError for a run that was altered, or is another config's whose digest begins alike.
    """
    if version := other_format(path / "FINISHED"):
        return f"{path}: is of format {version}"
    _refuse_altered(path)
    made = provenance_of(path)
    if made.config_digest != config_digest(experiment):
        raise UserError(
            f"{path}: holds another config, whose digest begins alike; use another --results"
        )
    same = made.code_digest == code_digest(experiment)
    return "" if same else f"{path}: was made by other code than today's"


def provenance_of(path: Path) -> Provenance:
    """Where a run comes from. UserError where the file is damaged."""
    return records.read(path / "provenance.json", Provenance)


def config_of(path: Path) -> Config:
    """The resolved config of a run. UserError where the file is damaged."""
    return records.check(path / "config.yaml", Config, strict_yaml.read(path / "config.yaml")[0])


def open_run(path: Path) -> Run:
    """A finished run. Raises UserError where there is none, or where a file is damaged."""
    if not path.is_dir():
        raise UserError(f"{path}: no such run; `bioexp list runs` shows those that exist")
    if not is_finished(path):
        raise UserError(
            f"{path}: no finished run here{_progress(path)}; run `bioexp train` again to continue "
            "it"
        )
    _refuse_altered(path)
    provenance = provenance_of(path)
    name = f"{provenance.config_digest[:DIGITS]}-s{provenance.seed}"
    if name not in (path.name, path.resolve().name):
        raise UserError(
            f"{path}: holds the run {name}, and is not used under another name; give it its own"
        )
    return Run(
        path=path,
        config=config_of(path),
        provenance=provenance,
        summary=records.read(path / "summary.json", Summary),
        metrics=records.read_metrics(path / "metrics.jsonl", finished=True),
        weights=unflatten(read_arrays(path / "weights.npz")),
    )


def _refuse_altered(path: Path) -> None:
    """Raises UserError for a finished run whose files are not those that training wrote."""
    if version := other_format(path / "FINISHED"):
        raise UserError(
            f"{path}: is of format {version}, this bioexp reads format {FORMAT}; train its config "
            "again, or delete it"
        )
    if what := altered(path / "FINISHED"):
        raise UserError(f"{what}; {records.AGAIN}")


def find(results: Path, words: Sequence[str]) -> list[Path]:
    """Run directories by what the user calls them: a path, experiment/hash-seed, an experiment for
    its newest runs, or experiment/axis=variant for those of some variants.

    Nothing named: the newest finished runs of every experiment. Always with all finished seeds.
    """
    if words:
        return [path for word in words for path in _named(results, word)]
    folders = sorted(folder for folder in results.glob("*") if folder.is_dir())
    found = [path for folder in folders for path in newest(folder)]
    if not found:
        raise UserError(
            f"{results}: no finished run here; `bioexp train configs/log_net.yaml` makes one"
        )
    return found


def newest(folder: Path, variant: Mapping[str, str] | None = None) -> list[Path]:
    """The finished seeds of the config of each variant that was finished last, by seed.

    variant: only those that are called so; {"rule": "stable"}.
    """
    runs = sorted(finished_in(folder), key=when_finished)
    latest = {path.name.rpartition("-s")[0]: path for path in runs}
    by_variant: dict[tuple[tuple[str, str], ...], str] = {}
    for name, path in latest.items():
        called = config_of(path).variant if len(latest) > 1 or variant else {}
        if all(called.get(axis) == word for axis, word in (variant or {}).items()):
            by_variant.pop(tuple(called.items()), None)
            by_variant[tuple(called.items())] = name
    return [path for name in by_variant.values() for path in seeds_of(folder / name)]


def seeds_of(group: Path) -> list[Path]:
    """The finished runs of a configuration, <results>/<experiment>/<hash>, by seed."""
    found = [path for path in finished_in(group.parent) if path.name.startswith(f"{group.name}-s")]
    return sorted(found, key=lambda path: int(path.name.rpartition("-s")[2]))


def finished_in(folder: Path) -> list[Path]:
    """The finished runs of an experiment; what has no run's name is none, such as a backup."""
    found = [marker.parent for marker in folder.glob("*-s*/FINISHED")]
    return sorted(path for path in found if NAME.fullmatch(path.name))


def when_finished(path: Path) -> tuple[str, str]:
    """By what finished runs are put in order, newest last: what they recorded, as the times of
    files change when they are copied.
    """
    try:
        return provenance_of(path).finished, path.name
    except UserError:  # whoever opens it is told
        return "", path.name


def grouped(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs that differ in their seed alone, each once, by seed; in the order they were named."""
    groups: dict[str, dict[int, Run]] = {}
    for run in runs:
        groups.setdefault(str(run.path.resolve()).rpartition("-s")[0], {})[run.seed] = run
    return [[group[seed] for seed in sorted(group)] for group in groups.values()]


def _named(results: Path, word: str) -> list[Path]:
    for path in (expanded(word), results / word):
        if (path / "config.yaml").is_file():
            return [path]
        if path.is_dir() and (found := newest(path)):
            return found
    experiment, _, wanted = word.rpartition("/")
    if experiment and "=" in wanted:
        variant = dict(part.split("=", 1) for part in wanted.split(",") if "=" in part)
        folder = next((p for p in (Path(experiment), results / experiment) if p.is_dir()), None)
        if folder and (found := newest(folder, variant)):
            return found
        if folder:
            raise UserError(f"{word}: no finished run of this variant{_variants(folder)}")
    raise UserError(
        f"{word}: no such run, neither as a path nor in {results}; `bioexp list runs` shows those "
        "that exist"
    )


def _variants(folder: Path) -> str:
    """The variants that an experiment has finished runs of, as the command line takes them."""
    called = [config_of(path).variant for path in finished_in(folder)]
    words = dict.fromkeys(
        ",".join(f"{axis}={name}" for axis, name in variant.items()) for variant in called
    )
    return f" (there are {'; '.join(filter(None, words))})" if any(words) else ""


def prepare(path: Path, experiment: Experiment) -> None:
    """Make the directory, with the resolved config and a copy of the user's code it names."""
    make_folder(path)
    for choice in experiment.choices:
        for place, code in choice.code.items():
            write_atomically(path / place, partial(_write, code))
    (path / "QUEUED").unlink(missing_ok=True)
    config = yaml.safe_dump(resolved(experiment), sort_keys=False, allow_unicode=True)
    write_text(path / "config.yaml", config)


def start_over(path: Path) -> None:
    """Forget what a run held, the mark that it can be trusted first."""
    for name in ("FINISHED", *LEFT):
        remove(path / name)


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def _progress(path: Path) -> str:
    last = records.read_metrics(path / "metrics.jsonl", finished=False)[-1:]
    return f" (stopped in stage {last[0]['stage']}, step {last[0]['step']})" if last else ""


def save_weights(path: Path, params: Params) -> None:
    """weights.npz or a snapshot: keys are paths such as layers/0/w."""
    write_arrays(path, flatten(params))


def finish(path: Path, provenance: Provenance, summary: Summary) -> None:
    """Everything that a finished run has besides its arrays and pictures; FINISHED comes last."""
    records.write(path / "provenance.json", provenance)
    records.write(path / "summary.json", summary)
    vouch(path / "FINISHED", {file for name in WRITTEN for file in path.glob(name)})


@contextmanager
def failure_kept(paths: Iterable[Path]) -> Iterator[None]:
    """Where work on these directories fails, each says so in FAILED: the message, or a bug's
    traceback.
    """
    try:
        yield
    except Busy:
        raise
    except Exception as error:
        text = str(error) if isinstance(error, UserError) else traceback.format_exc()
        for path in paths:
            with suppress(UserError):  # a full disk cannot take it
                write_text(path / "FAILED", text.rstrip() + "\n")
        raise


def failure(path: Path) -> str:
    """What FAILED says; "" where nothing failed."""
    try:
        return (path / "FAILED").read_text("utf-8", "replace").strip()
    except FileNotFoundError:
        return ""
