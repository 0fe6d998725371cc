"""A whole `bioexp train` of one epoch, and what it cannot do without."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from clock import COMMAND, Figure, in_turns, process
from digits import CONFIGS, STEPS, words


def command(rounds: int) -> Iterator[Figure]:
    """Seconds of the process from start to end, the second time: compiled programs, data and fonts
    are cached by then.

    Taken in turns with an interpreter that does nothing, one that imports jax, and `bioexp --help`.
    What the run's own provenance says of the last round is shown too: from the first weights to the
    last, and compiling as part of that.
    """
    with tempfile.TemporaryDirectory() as results:
        changes = ("--set", f"stages.0.steps={STEPS}", "--set", "snapshots=[]", "--force")
        tasks = {
            "bioexp train, one epoch of log_net": process(
                COMMAND, "train", CONFIGS / "log_net.yaml", *words(), *changes, "--results", results
            ),
            "bioexp --help": process(COMMAND, "--help"),
            "python -c 'import jax'": process(sys.executable, "-c", "import jax"),
            "python -c pass": process(sys.executable, "-c", "pass"),
        }
        taken = in_turns(tasks, rounds)
        (provenance,) = Path(results).glob("*/*/provenance.json")
        inside = json.loads(provenance.read_text("utf-8"))
    for what, seconds in taken.items():
        yield Figure(what, seconds, target="<= 2 s" if what.startswith("bioexp train") else "")
    yield Figure("of it: training (wall_s, last round)", (inside["wall_s"],))
    yield Figure("of that: compiling (compile_s, last round)", (inside["compile_s"],))
