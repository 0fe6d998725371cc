"""The configs that come with bioexp, and what a user may call one: a path, or a name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bioexp.config.overrides import Change
from bioexp.config.reading import load
from bioexp.experiment import Experiment
from bioexp.files import expanded
from bioexp.options import suggestion
from bioexp.types import UserError

PACKAGE = Path(__file__).parent.parent


def configs_folder() -> Path:
    """configs/ of the checkout, or the copy inside an installed package."""
    installed = PACKAGE / "configs"
    return installed if installed.is_dir() else PACKAGE.parent / "configs"


def config_files() -> dict[str, Path]:
    """Every config that comes with bioexp by its name: log_net, log_net/nets, examples/my_rule."""
    folder = configs_folder()
    files = sorted(folder.rglob("*.yaml"), key=lambda file: (len(file.parts), file))
    return {file.relative_to(folder).with_suffix("").as_posix(): file for file in files}


def experiments_named(
    word: str, changes: Sequence[str | Change] = (), data_dir: Path | None = None
) -> list[Experiment]:
    """The experiments of what a user names: a path (configs/log_net.yaml), the name of a config or
    of one of its experiments (log_net, relu_net), or either with variants (stdp_mnist/rule=stable).

    changes, data_dir: as `load` takes them. Raises UserError where there is no such config or
    variant.
    """
    called, _, wanted = word.rpartition("/")
    if not called or "=" not in wanted or Path(word).is_file():
        called, wanted = word, ""
    file, name = _file_of(called)
    experiments = [
        experiment
        for experiment in load(file, changes, data_dir)
        if name is None or experiment.name == name
    ]
    if not wanted:
        return experiments
    variant = dict(part.partition("=")[::2] for part in wanted.split(","))
    chosen = [
        experiment for experiment in experiments if variant.items() <= experiment.variant.items()
    ]
    if not chosen:
        variants = [
            ",".join(f"{axis}={name}" for axis, name in experiment.variant.items())
            for experiment in experiments
        ]
        there = f"there are {', '.join(variants)}" if any(variants) else "it has no axes"
        raise UserError(f"{word}: no such variant ({there})")
    return chosen


def _file_of(word: str) -> tuple[Path, str | None]:
    """The file that a path or name stands for; and the one experiment in it that is meant."""
    path, known = expanded(word), config_files()
    if path.is_file():
        return path, None
    name = word.removeprefix("configs/").removesuffix(".yaml")
    if name in known:
        return known[name], None
    line = re.compile(rf"\bname: {re.escape(name)}\s*(?:[,}}#]|$)", re.MULTILINE)
    for file in known.values():
        if line.search(file.read_text("utf-8")):
            return file, name
    if path.exists() or path.is_absolute():
        return path, None
    raise UserError(
        f"{word}: no such config, neither as a path nor by name{suggestion(name, known)} (`bioexp "
        "list configs` shows those that come with bioexp)"
    )
