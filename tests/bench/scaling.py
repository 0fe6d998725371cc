"""How cost grows: seconds a step, and memory, against hidden units, minibatch, seeds, training
images and devices.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from clock import Figure

PICTURE = Path(
    "scaling.png"
)  # where the curves are drawn, in the folder that the benchmark is called from
PLAIN = {"hidden": 100, "batch": 128, "seeds": 1, "images": 10_000, "devices": 1}
CURVES: Mapping[str, Sequence[int]] = {
    "hidden": (100, 400, 1_600, 6_400, 16_000),
    "batch": (10, 100, 1_000, 10_000),
    "seeds": (1, 2, 4, 8, 16, 32, 64),
    "images": (1_000, 10_000, 60_000, 1_000_000),
    "devices": (1, 2, 4, 8),
}
AXES = {
    "hidden": "hidden units",
    "batch": "images a minibatch",
    "images": "training images",
    "devices": "virtual devices",
}
ALONGSIDE = {"devices": {"seeds": 8}}

CHILD = """
import json, sys, time
import jax, jax.numpy as jnp

def memory():
    kept = ("RssAnon", "VmHWM")
    lines = (line.split() for line in open("/proc/self/status") if line.startswith(kept))
    return {name[:-1]: int(kilobytes) / 1024 for name, kilobytes, _ in lines}

def own():
    return memory()["RssAnon"]

from bioexp.datasets.blobs import blobs
from bioexp.models import mlp
from bioexp.objectives import cross_entropy
from bioexp.optimizers import adam
from bioexp.rules import backprop
from bioexp.training import fit
from bioexp.types import Examples, Stage

asked = json.loads(sys.argv[1])
jnp.ones(3).sum().block_until_ready()
before = own()
data = blobs(None, features=(28, 28), classes=10, n=asked["images"], n_test=10)
model = mlp((28, 28), 10, hidden=(asked["hidden"],))
steps = max(5, min(200, 400_000_000 // (asked["hidden"] * asked["batch"] * asked["seeds"] * 794)))
rule = backprop(model, cross_entropy())
stage = Stage(model, rule, adam(5 * steps), lambda p: p, (0, 1), asked["batch"], 5 * steps, steps)
times, most = [], own()
for record in fit([stage], Examples(data.x_train, data.y_train), range(asked["seeds"])):
    jax.block_until_ready(record.params)
    times.append((time.perf_counter(), time.process_time()))
    most = max(most, own())
wall, cpu = (
    sorted((after[i] - start[i]) / steps for start, after in zip(times[1:], times[2:]))
    for i in range(2)
)
print(json.dumps({"seconds": wall, "cpu": cpu, "own": most - before, "peak": memory()["VmHWM"]}))
"""


def scaling(rounds: int) -> Iterator[Figure]:
    """Each point in a process of its own, so that its memory is its own; the rounds are four scans
    of the same length.

    Memory is what the process itself holds above an idle jax; a memory map's pages, which the
    system may drop, do not count.
    """
    found: dict[str, list[dict[str, object]]] = {}
    for what, values in CURVES.items():
        for value in values:
            point = _point({**PLAIN, **ALONGSIDE.get(what, {}), what: value})
            found.setdefault(what, []).append({"at": value, **point})
            processor = 1000 * median(point["cpu"])
            memory = (
                f"{point['own']:.0f} MB above jax's own, peak {point['peak']:.0f} MB with all file"
                " pages"
            )
            note = f"{processor:.3f} ms of processor time; {memory}"
            target = "<= 600 MB" if (what, value) == ("images", 1_000_000) else ""
            yield Figure(
                f"{what} = {value:,}: a step",
                tuple(1000 * second for second in point["seconds"]),
                "ms",
                target,
                note,
            )
    draw(found, PICTURE)
    yield Figure(f"drawn: {PICTURE}")


def _point(asked: Mapping[str, int]) -> dict:
    environment = dict(os.environ)
    if asked["devices"] > 1:
        environment["XLA_FLAGS"] = (
            f"{environment.get('XLA_FLAGS', '')}"
            f" --xla_force_host_platform_device_count={asked['devices']}"
        )
    words = [sys.executable, "-c", CHILD, json.dumps(asked)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"scaling, {asked}: exit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def draw(found: Mapping[str, Sequence[Mapping]], path: Path) -> None:
    """Above, milliseconds of a step and of its processor time, medians; below, megabytes above
    jax's own.
    """
    from matplotlib.figure import Figure as Canvas
    from matplotlib.ticker import LogLocator

    figure = Canvas(figsize=(3.2 * len(found), 5.6), layout="constrained")
    axes = figure.subplots(2, len(found), squeeze=False, sharex="col")
    for (above, below), (what, points) in zip(axes.T, found.items(), strict=True):
        at = [point["at"] for point in points]
        wall, cpu = (
            [1000 * median(point[kind]) for point in points] for kind in ("seconds", "cpu")
        )
        above.loglog(at, wall, "o-", color="#1f5f8b", label="wall time")
        above.loglog(at, cpu, "s--", color="#c2571a", markersize=4, label="processor time")
        if what in ("hidden", "batch", "seeds"):
            above.loglog(
                at, [cpu[-1] * x / at[-1] for x in at], ":", color="#777777", label="in proportion"
            )
        above.set_ylim(0.5 * min(wall + cpu), 2 * max(wall + cpu))
        below.semilogx(at, [point["own"] for point in points], "o-", color="#1f5f8b")
        below.set_ylim(0, None)
        below.set_xticks(at, [f"{x:,}" for x in at], rotation=30)
        below.minorticks_off()
        below.set_xlabel(AXES.get(what, what))
        above.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        above.yaxis.set_major_formatter("{x:g}")
        above.yaxis.set_minor_formatter("")
        for panel in (above, below):
            panel.grid(alpha=0.3)
    axes[0][0].set_ylabel("ms a step, medians of 4 scans")
    axes[1][0].set_ylabel("memory, MB above jax's own")
    axes[0][0].legend(frameon=False)
    settings = ", ".join(f"{name} {value:,}" for name, value in PLAIN.items())
    figure.suptitle(
        f"784-hidden-10 by backprop and Adam; where not on the axis: {settings} (8 seeds over"
        " devices)",
        fontsize=11,
    )
    figure.savefig(path, dpi=110)
