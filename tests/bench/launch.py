"""Twelve small runs by one command, and by the same command with two workers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from clock import COMMAND, Figure, process, ratio

CONFIG = """
name: twelve
dataset: {name: blobs, features: [8, 8], classes: 4}
model: {name: mlp, hidden: [64]}
stages:
  - rule: backprop
    optimizer: {name: adam, learning_rate: 0.001}
    batch_size: 50
    steps: 100000
    record_every: 1000
axes:
  model.hidden: [[32], [64], [96], [128]]
  stages.0.optimizer.learning_rate: [0.001, 0.003, 0.01]
"""


def launch(rounds: int) -> Iterator[Figure]:
    """Seconds of both commands, in turns, with compiled programs on disk; and of each until its
    first run is finished.
    """
    ways = {
        "one after another": (),
        "--launch local --workers 2": ("--launch", "local", "--workers", "2"),
    }
    whole: dict[str, list[float]] = {way: [] for way in ways}
    first: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as place:
        config = Path(place, "twelve.yaml")
        config.write_text(CONFIG, "utf-8")
        for turn in range(rounds + 1):
            for number, (way, words) in enumerate(ways.items()):
                results = Path(place, f"{turn}-{number}")
                call = process(COMMAND, "train", config, "--results", results, *words)
                began = time.time()
                call()
                if turn:
                    whole[way].append(time.time() - began)
                    first[way].append(
                        min(mark.stat().st_mtime for mark in results.glob("*/*/FINISHED")) - began
                    )
    for way in ways:
        yield Figure(f"12 runs, {way}", tuple(whole[way]))
    alone, shared = ways
    yield ratio(
        "12 runs, two workers / one after another", whole[shared], whole[alone], target="<= 0.6"
    )
    added = tuple(b - a for a, b in zip(first[alone], first[shared], strict=True))
    yield Figure("until the first run is finished: added by launching", added, target="<= 2 s")
