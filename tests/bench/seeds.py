"""Five seeds trained together, beside five processes of one seed each."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from clock import COMMAND, Figure, Task, in_turns, process, ratio
from digits import CONFIGS, STEPS, words

SEEDS, EPOCHS = 5, 5


def seeds(rounds: int) -> Iterator[Figure]:
    """Whole commands of five epochs of log_net: `--seeds 5` once, and `--seed 0` … `--seed 4` one
    after another.

    The group saves four starts and four compilations; training itself is shown apart (wall_s of the
    last round), as in longer runs it is all that counts.
    """
    with tempfile.TemporaryDirectory() as results:
        together, alone = Path(results, "together"), Path(results, "alone")
        each = [_train(alone, "--seed", seed) for seed in range(SEEDS)]
        tasks = {
            "group": _train(together, "--seeds", SEEDS),
            "each": lambda: [train() for train in each],
        }
        taken = in_turns(tasks, min(rounds, 3))
        inside = {folder: _wall_s(folder) for folder in (together, alone)}
    yield Figure(f"bioexp train --seeds {SEEDS}", taken["group"])
    yield Figure(f"{SEEDS} times bioexp train --seed", taken["each"])
    yield ratio("group / five processes", taken["group"], taken["each"], "<= 0.8 x")
    yield ratio("training alone: group / five", inside[together][:1], (sum(inside[alone]),))


def _train(results: Path, *seeds: object) -> Task:
    changes = ("--set", f"stages.0.steps={EPOCHS * STEPS}", "--set", "snapshots=[]", "--force")
    return process(
        COMMAND, "train", CONFIGS / "log_net.yaml", *words(), *changes, "--results", results, *seeds
    )


def _wall_s(results: Path) -> tuple[float, ...]:
    """Seconds of training of each run; those of a group all say the group's."""
    return tuple(
        json.loads(path.read_text("utf-8"))["wall_s"]
        for path in sorted(results.glob("*/*/provenance.json"))
    )
