"""Twelve runs on a real Slurm of two slots, of which one task is killed and one node drained:
`pytest tests/slurm/twelve_runs.py`.

Not part of the suite: it takes about a minute, and programs that a laptop does not have.
"""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "slurm"))
from cluster import cluster, missing, told

from bioexp.runs.lock import holder_of

QUICK = """\
name: quick
dataset: {name: blobs, features: [4, 4], classes: 3}
model: {name: mlp, hidden: [5]}
stages:
  - rule: backprop
    optimizer: {name: adam, learning_rate: 0.01}
    batch_size: 20
    steps: 60
    record_every: 20
axes:
  stages.0.optimizer.learning_rate:
    [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.2]
"""
SLOW = (
    QUICK[: QUICK.index("axes")]
    .replace("quick", "slow")
    .replace("steps: 60", "steps: 6000")
    .replace("backprop", "./slow.py:slow")
)
RULE = """\
import time

import jax

from bioexp.rules.backprop import backprop


def slow(model, objective):
    \"\"\"Backprop, a record of which takes most of a second.\"\"\"
    rule = backprop(model, objective)

    def observe(params, state):
        jax.debug.callback(lambda: time.sleep(0.03))
        return rule.observe(params, state)

    return rule._replace(observe=observe)
"""


@pytest.mark.skipif(bool(missing()), reason=missing() or "-")
def test_all_finish_none_twice_and_as_in_one_process(tmp_path):
    for name, text in (("quick.yaml", QUICK), ("slow.yaml", SLOW), ("slow.py", RULE)):
        (tmp_path / name).write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    start = [
        sys.executable,
        "-c",
        "from bioexp.__main__ import script; script()",
        "train",
        "slow.yaml",
        "quick.yaml",
    ]
    with cluster(tmp_path / "slurm"):
        words = [
            *start,
            "--launch",
            "slurm",
            "--workers",
            "2",
            "--time",
            "30",
            "--partition",
            "debug",
            "--results",
            "launched",
        ]
        with subprocess.Popen(
            words,
            cwd=tmp_path,
            env=environment | dict(os.environ),
            stdout=subprocess.PIPE,
            text=True,
        ) as launcher:
            (path,) = wait(
                lambda: [file.parent for file in tmp_path.glob("launched/slow/*/state.npz")]
            )
            os.kill(holder_of(path).process, signal.SIGKILL)
            wait(lambda: len(list(tmp_path.glob("launched/quick/*/FINISHED"))) >= 8)
            told("scontrol", "update", "nodename=two", "state=drain", "reason=test")
            said = launcher.communicate(timeout=240)[0]
    assert launcher.returncode == 0, said
    written = [log.read_text() for log in tmp_path.glob("launched/.launch/*/*.out")]
    done = [line for text in written for line in text.splitlines() if line.endswith(": done")]
    assert len(done) == len(set(done)) == 12, done
    assert sum("is dead; its work is taken over" in text for text in written) == 1
    assert sum("slow: continuing seed 0 at stage 0" in text for text in written) == 1
    plain = subprocess.run(
        [*start, "--results", "plain"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr
    runs = sorted(
        file.parent.relative_to(tmp_path / "plain") for file in tmp_path.glob("plain/*/*/FINISHED")
    )
    assert len(runs) == 12
    for run in runs:
        for name in ("summary.json", "metrics.jsonl", "config.yaml"):
            assert (tmp_path / "plain" / run / name).read_bytes() == (
                tmp_path / "launched" / run / name
            ).read_bytes()
        one, other = (
            dict(np.load(tmp_path / results / run / "weights.npz"))
            for results in ("plain", "launched")
        )
        for leaf in one:
            np.testing.assert_array_equal(one[leaf], other[leaf])


def wait(ready, seconds=120):
    """What `ready` returns, once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return found
