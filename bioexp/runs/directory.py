"""A run directory: where it lies, whether it can be trusted, how it is read back.

    <results>/<experiment>[@<dataset>]/<hash8>-s<seed>/
        config.yaml provenance.json metrics.jsonl summary.json weights.npz snapshots/ figures/
        attacks/ FINISHED

FINISHED is written last. Without it a directory is continued by `bioexp train`, and believed by
nobody; FAILED says why the last try ended otherwise, QUEUED that a worker is to come, and .lock who
is at work (`bioexp.runs.lock`).
"""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

import yaml

from bioexp import records
from bioexp.config import strict_yaml
from bioexp.config.reading import identity, resolved
from bioexp.experiment import Experiment, Run
from bioexp.files import make_folder, read_arrays, write_arrays, write_atomically, write_text
from bioexp.records import Config, Provenance, Summary
from bioexp.runs.lock import Busy
from bioexp.runs.provenance import code_digest
from bioexp.tree import flatten, unflatten
from bioexp.types import Params, UserError

FORMAT = 1  # of run directories; another one is refused
LEFT = (  # what a run holds besides its config, and what is forgotten when it starts over
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
    """Whether the run went through to its end, in the format that is read here."""
    marker = path / "FINISHED"
    if not marker.is_file():
        return False
    text = marker.read_text("utf-8", "replace").strip()
    if text != str(FORMAT):
        raise UserError(
            f"{path}: is a run of format {text or '?'}, this bioexp reads format {FORMAT}; train "
            "it again with --force"
        )
    return True


def is_stale(path: Path, experiment: Experiment) -> bool:
    """Whether a finished run was made by numerical code other than today's, or by a bioexp that
    wrote another format, or so that nobody can tell.
    """
    try:
        is_finished(path)
        made_by = provenance_of(path).code_digest
    except UserError:
        return True
    return made_by != code_digest(experiment)


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
    return Run(
        path=path,
        config=config_of(path),
        provenance=provenance_of(path),
        summary=records.read(path / "summary.json", Summary),
        metrics=records.read_metrics(path / "metrics.jsonl", finished=True),
        weights=unflatten(read_arrays(path / "weights.npz")),
    )


def find(results: Path, words: Sequence[str]) -> list[Path]:
    """Run directories by what the user calls them: a path, experiment/hash-seed, an experiment for
    its newest runs, or experiment/axis=variant for those of some variants.

    Nothing named: the newest finished runs of every experiment. Always with all finished seeds.
    """
    if words:
        return [path for word in words for path in _named(results, word)]
    folders = sorted({marker.parent.parent for marker in results.glob("*/*/FINISHED")})
    found = [path for folder in folders for path in newest(folder)]
    if not found:
        raise UserError(
            f"{results}: no finished run here; `bioexp train configs/log_net.yaml` makes one"
        )
    return found


def newest(folder: Path, variant: Mapping[str, str] | None = None) -> list[Path]:
    """The finished seeds of the newest config of each variant of an experiment, by seed.

    variant: only those that are called so; {"rule": "stable"}.
    """
    markers = sorted(folder.glob("*-s*/FINISHED"), key=lambda marker: marker.stat().st_mtime)
    latest = {marker.parent.name.rpartition("-s")[0]: marker.parent for marker in markers}
    by_variant: dict[tuple[tuple[str, str], ...], str] = {}
    for name, path in latest.items():
        called = config_of(path).variant if len(latest) > 1 or variant else {}
        if all(called.get(axis) == word for axis, word in (variant or {}).items()):
            by_variant.pop(tuple(called.items()), None)
            by_variant[tuple(called.items())] = name
    return [path for name in by_variant.values() for path in seeds_of(folder / name)]


def seeds_of(group: Path) -> list[Path]:
    """The finished runs of a configuration, <results>/<experiment>/<hash>, by seed."""
    found = [marker.parent for marker in group.parent.glob(f"{group.name}-s*/FINISHED")]
    return sorted(found, key=lambda path: int(path.name.rpartition("-s")[2]))


def grouped(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs that differ in their seed alone, each once, by seed; in the order they were named."""
    groups: dict[str, dict[int, Run]] = {}
    for run in runs:
        groups.setdefault(str(run.path.resolve()).rpartition("-s")[0], {})[run.seed] = run
    return [[group[seed] for seed in sorted(group)] for group in groups.values()]


def _named(results: Path, word: str) -> list[Path]:
    for path in (Path(word), results / word):
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
    called = [config_of(marker.parent).variant for marker in folder.glob("*-s*/FINISHED")]
    words = dict.fromkeys(
        ",".join(f"{axis}={name}" for axis, name in variant.items()) for variant in called
    )
    return f" (there are {'; '.join(filter(None, words))})" if any(words) else ""


def prepare(path: Path, experiment: Experiment) -> None:
    """Make the directory, with the resolved config and a copy of the user's code it names."""
    make_folder(path)
    for file in {file for choice in experiment.choices for file in choice.files}:
        if file.suffix == ".py":
            write_atomically(path / file.name, partial(_copy, file))
    (path / "QUEUED").unlink(missing_ok=True)
    config = yaml.safe_dump(resolved(experiment), sort_keys=False, allow_unicode=True)
    write_text(path / "config.yaml", config)


def start_over(path: Path) -> None:
    """Forget what a run held, the mark that it can be trusted first."""
    (path / "FINISHED").unlink(missing_ok=True)
    for child in (path / name for name in LEFT):
        shutil.rmtree(child) if child.is_dir() else child.unlink(missing_ok=True)


def _copy(source: Path, file: BinaryIO) -> None:
    file.write(source.read_bytes())


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
    write_text(path / "FINISHED", f"{FORMAT}\n")


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
