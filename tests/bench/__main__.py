"""How long things take: `python tests/bench [NAME...]`, from the root of the checkout.

Nothing is asserted: what a machine does in a second is no property of the code. Every figure is
shown as the least, the median and the most of its rounds, beside what it is meant to reach on two
quiet cores. Whatever is compared is taken in turns, and a ratio is the quotient of each round.
Caches lie in a folder of their own that is gone at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TextIO

from attack import attack
from clock import Figure
from command import command
from competing import competing
from digits import described
from epoch import epoch
from launch import launch
from scaling import scaling
from seeds import seeds

from bioexp.devices import prepare

BENCHMARKS: dict[str, Callable[[int], Iterator[Figure]]] = {
    "epoch": epoch,
    "command": command,
    "seeds": seeds,
    "attack": attack,
    "competing": competing,
    "launch": launch,
    "scaling": scaling,
}


def main() -> None:
    """Run the benchmarks named, all without names."""
    parser = argparse.ArgumentParser(
        prog="tests/bench", description="Benchmarks: " + ", ".join(BENCHMARKS)
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which ones (all)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each thing is measured (5)"
    )
    parser.add_argument("--json", action="store_true", help="JSON on stdout, the table on stderr")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in BENCHMARKS]
    if unknown or chosen.rounds < 1:
        parser.error(
            f"no benchmark {unknown[0]} (there are {', '.join(BENCHMARKS)})"
            if unknown
            else "--rounds: must be at least 1"
        )
    with tempfile.TemporaryDirectory(prefix="bioexp-bench-") as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        found = _run(
            chosen.names or list(BENCHMARKS),
            chosen.rounds,
            sys.stderr if chosen.json else sys.stdout,
        )
    if chosen.json:
        print(json.dumps(found, indent=2))


def _run(names: Sequence[str], rounds: int, out: TextIO) -> dict[str, object]:
    """Lines as they come; everything at the end."""
    about: dict[str, object] = {
        "device": prepare("auto"),
        "data": described(),
        "load": os.getloadavg()[0],
        "versions": _versions(),
    }
    print(*(f"{key}: {value}" for key, value in about.items()), sep="\n", file=out)
    found: dict[str, list[dict[str, object]]] = {}
    for name in names:
        print(f"\n{name:<52}{'min':>8}{'median':>8}{'max':>8}", file=out, flush=True)
        found[name] = []
        for figure in BENCHMARKS[name](rounds):
            found[name].append(figure.record())
            print(_line(figure), file=out, flush=True)
    return {**about, "benchmarks": found}


def _line(figure: Figure) -> str:
    values = (min(figure.values), figure.median, max(figure.values)) if figure.values else ()
    shown = "".join(f"{value:8.3f}" for value in values) or f"{'-':>8}" * 3
    remarks = (f"target {figure.target}" if figure.target else "", figure.note)
    return f"  {figure.what:<50}{shown} {figure.unit}  {'; '.join(filter(None, remarks))}".rstrip()


def _versions() -> dict[str, str]:
    """Of what takes part; "absent" where it is not installed."""
    found = {"python": platform.python_version()}
    for name in ("bioexp", "jax", "jaxlib", "numpy", "torch", "foolbox"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


main()
