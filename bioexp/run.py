"""A run directory: where it lies, whether it can be trusted, how it is read back.

    <results>/<experiment>[@<dataset>]/<hash8>-s<seed>/
        config.yaml provenance.json metrics.jsonl summary.json weights.npz snapshots/ figures/ attacks/ FINISHED

FINISHED is written last. Without it a directory is continued by `bioexp train`, and believed by nobody; FAILED says why the last
try ended otherwise, QUEUED that a worker is to come, and .lock who is at work (`bioexp.lock`).
"""

from __future__ import annotations

import json
import shutil
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from bioexp import build, strict_yaml
from bioexp.config import Experiment, identity, load, resolved
from bioexp.files import read_arrays, write_arrays, write_atomically, write_json, write_text
from bioexp.lock import Busy
from bioexp.provenance import code_digest
from bioexp.tree import flatten, unflatten
from bioexp.types import Apply, Dataset, Model, Params, Run, UserError

FORMAT = 1  # of run directories; another one is refused


class Revived(NamedTuple):
    """A run's network and data again: apply(params, x) -> (logits, layers) is the forward pass as deployed."""

    model: Model
    params: Params
    dataset: Dataset
    experiment: Experiment

    @property
    def apply(self) -> Apply:
        return self.model.apply


def directory(results: Path, experiment: Experiment, seed: int) -> Path:
    """Where the run of this experiment and seed lies: the same config is the same directory."""
    return results / experiment.folder / f"{identity(experiment)}-s{seed}"


def is_finished(path: Path) -> bool:
    """Whether the run went through to its end, in the format that is read here."""
    marker = path / "FINISHED"
    if not marker.is_file():
        return False
    text = marker.read_text("utf-8").strip()
    if text != str(FORMAT):
        raise UserError(f"{path}: is a run of format {text or '?'}, this bioexp reads format {FORMAT}; train it again with --force")
    return True


def is_stale(path: Path, experiment: Experiment) -> bool:
    """Whether a finished run was made by numerical code other than today's, or by a bioexp that wrote another format."""
    try:
        if (path / "FINISHED").read_text("utf-8").strip() != str(FORMAT):
            return True
        provenance = json.loads((path / "provenance.json").read_text("utf-8"))
    except (OSError, ValueError):
        return True  # nobody can tell what made it
    return bool(provenance.get("code_digest") != code_digest(experiment))


def open_run(path: Path) -> Run:
    """A finished run. Raises UserError where there is none, or where its files do not belong together."""
    if not path.is_dir():
        raise UserError(f"{path}: no such run; `bioexp list runs` shows those that exist")
    if not is_finished(path):
        raise UserError(f"{path}: no finished run here{_progress(path)}; run `bioexp train` again to continue it")
    try:
        provenance = json.loads((path / "provenance.json").read_text("utf-8"))
        summary = json.loads((path / "summary.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: provenance.json or summary.json is damaged ({error}); train it again with --force") from None
    weights = unflatten(read_arrays(path / "weights.npz"))
    config = strict_yaml.read(path / "config.yaml")[0]
    return Run(path, config, provenance["seed"], provenance, summary, tuple(read_metrics(path)), weights)


def revive(run: Run, data_dir: Path | None) -> Revived:
    """The run's network and its dataset; raises UserError where the weights do not fit, or the data is gone or another."""
    import jax

    (experiment,) = load(run.path / "config.yaml")
    _, dataset = build.dataset_of(experiment, data_dir, lambda text: None)
    if dataset.digest != run.provenance["dataset"]["digest"]:
        raise UserError(f"{run.path}: was trained on other data than {dataset.source} holds (digests differ)")
    model = build.model_of(experiment, dataset)
    expected = flatten(jax.eval_shape(model.init, jax.random.key(0)))
    found = flatten(run.weights)
    if {name: leaf.shape for name, leaf in expected.items()} != {name: leaf.shape for name, leaf in found.items()}:
        raise UserError(f"{run.path / 'weights.npz'}: does not hold this model's weights; train the run again with --force")
    if broken := [name for name, leaf in found.items() if not np.isfinite(leaf).all()]:
        raise UserError(f"{run.path / 'weights.npz'}: {broken[0]} holds NaN or infinity; train the run again with --force")
    return Revived(model, run.weights, dataset, experiment)


def find(results: Path, words: Sequence[str]) -> list[Path]:
    """Run directories by what the user calls them: a path, experiment/hash-seed, or an experiment for its newest run.

    Nothing named: the newest finished run of every experiment. Always with all its finished seeds.
    """
    if not words:
        folders = sorted({marker.parent.parent for marker in results.glob("*/*/FINISHED")})
        found = [path for folder in folders for path in newest(folder)]
        if not found:
            raise UserError(f"{results}: no finished run here; `bioexp train configs/log_net.yaml` makes one")
        return found
    return [path for word in words for path in _named(results, word)]


def newest(folder: Path) -> list[Path]:
    """The finished seeds of an experiment's newest configuration, by seed."""
    finished = [marker.parent for marker in folder.glob("*-s*/FINISHED")]
    if not finished:
        return []
    latest = max(finished, key=lambda path: (path / "FINISHED").stat().st_mtime)
    return seeds_of(folder / latest.name.rpartition("-s")[0])


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
        if path.is_dir() and newest(path):
            return newest(path)
    raise UserError(f"{word}: no such run, neither as a path nor in {results}; `bioexp list runs` shows those that exist")


def prepare(path: Path, experiment: Experiment) -> None:
    """Make the directory, with the resolved config and a copy of the user's code it names."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be made ({error.strerror}); name another place with --results") from None
    for file in {file for choice in experiment.choices for file in choice.files if file.suffix == ".py"}:
        write_atomically(path / file.name, partial(_copy, file))
    (path / "QUEUED").unlink(missing_ok=True)
    write_text(path / "config.yaml", yaml.safe_dump(resolved(experiment), sort_keys=False, allow_unicode=True))


def start_over(path: Path) -> None:
    """Forget what a run held, the mark that it can be trusted first."""
    (path / "FINISHED").unlink(missing_ok=True)
    for name in (
        "metrics.jsonl",
        "state.npz",
        "snapshots",
        "figures",
        "attacks",
        "attacks_l2",
        "robustness.json",
        "robustness.csv",
        "robustness.md",
        "robustness.png",
        "FAILED",
    ):
        child = path / name
        shutil.rmtree(child) if child.is_dir() else child.unlink(missing_ok=True)


def read_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """The records of metrics.jsonl; a last line that was cut off is left out."""
    file = path / "metrics.jsonl"
    for line in file.read_text("utf-8").splitlines() if file.is_file() else []:
        try:
            yield json.loads(line)
        except ValueError:
            return


def _copy(source: Path, file: Any) -> None:
    file.write(source.read_bytes())


def _progress(path: Path) -> str:
    last = list(read_metrics(path))[-1:]
    return f" (stopped in stage {last[0]['stage']}, step {last[0]['step']})" if last else ""


def save_weights(path: Path, params: Params) -> None:
    """weights.npz or a snapshot: keys are paths such as layers/0/w."""
    write_arrays(path, flatten(params))


def finish(path: Path, provenance: dict[str, Any], summary: dict[str, Any]) -> None:
    """Everything that a finished run has besides its arrays and pictures; FINISHED comes last."""
    write_json(path / "provenance.json", {"format": FORMAT, **provenance})
    write_json(path / "summary.json", summary)
    write_text(path / "FINISHED", f"{FORMAT}\n")


@contextmanager
def failure_kept(paths: Iterable[Path]) -> Iterator[None]:
    """Where work on these directories fails, each says so in FAILED: the message, or a bug's traceback."""
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
        return (path / "FAILED").read_text("utf-8").strip()
    except FileNotFoundError:
        return ""
