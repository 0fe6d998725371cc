"""`bioexp report`: one self-contained HTML page over any number of runs, made from what lies in their directories."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from bioexp import __version__
from bioexp.commands.train import outcome, printed
from bioexp.files import write_text
from bioexp.measures.robustness_table import by_eps, findings
from bioexp.types import Run, UserError

CAPTIONS = {
    "w1": "First-layer weights, each unit scaled by its own largest.",
    "learning_curve": "Training, averaged over the minibatches between two records; the test accuracy is the final score.",
    "adversarial": "Clean images, perturbations (amplified) and the adversarial images they make.",
    "robustness": "Accuracy under attack against the size of the perturbation.",
}


def report(runs: Sequence[Run], output: Path) -> Path:
    """Write the page; returns its path. Everything in it is inlined: it can be mailed. Raises UserError for no runs."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    if not runs:
        raise UserError("report: no runs to report on; train one first")
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(str(run.path).rpartition("-s")[0], []).append(run)
    environment = Environment(
        loader=PackageLoader("bioexp"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("report.html").render(
        title="bioexp: " + ", ".join(dict.fromkeys(run.path.parent.name for run in runs)),
        version=__version__,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        experiments=[_experiment(group) for group in groups.values()],
    )
    write_text(output, page)
    return output


def _experiment(runs: Sequence[Run]) -> dict[str, Any]:
    """One configuration with all its seeds, as the page shows it."""
    first = runs[0]
    return {
        **outcome(runs),
        "identity": first.path.name.rpartition("-s")[0],
        "document": printed(str(first.config["name"])),
        "config": yaml.safe_dump(dict(first.config), sort_keys=False, allow_unicode=True),
        "seeds": [_seed(run) for run in runs],
    }


def _seed(run: Run) -> dict[str, Any]:
    place = {name: i for i, name in enumerate(CAPTIONS)}
    pictures = sorted([*run.path.glob("figures/*.png"), *run.path.glob("*.png")], key=lambda path: (place.get(path.stem, 99), path.stem))
    file = run.path / "robustness.json"
    robustness = json.loads(file.read_text("utf-8")) if file.is_file() else None
    columns, rows = by_eps(robustness) if robustness else ([], [])
    return {
        "seed": run.seed,
        "name": run.name,
        "summary": run.summary,
        "provenance": run.provenance,
        "pictures": [{"name": path.stem, "caption": CAPTIONS.get(path.stem, ""), "data": _inlined(path)} for path in pictures],
        "robustness": robustness,
        "columns": columns,
        "rows": rows,
        "findings": findings(robustness) if robustness else [],
    }


def _inlined(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
