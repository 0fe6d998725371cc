"""`make kills`: one `bioexp reproduce` killed twenty times with -9 at random moments ends as if
nothing had happened.

    python tests/kills [PAPER...] [--kills 20] [--profile smoke] [--seed 0]

Exits with 1 and the rows that differ where claims.json is not the same, apart from times, as after
an undisturbed run.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

COMMAND = (sys.executable, "-m", "bioexp", "reproduce")


def reproduce(words: Sequence[str], results: Path) -> subprocess.Popen[bytes]:
    """The command, begun."""
    command = [*COMMAND, *words, "--results", str(results)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(words: Sequence[str], results: Path) -> float:
    """The command until its end; returns its seconds, and raises RuntimeError where it fails."""
    begun = time.monotonic()
    process = reproduce(words, results)
    _, said = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"reproduce ended with {process.returncode}: {said.decode()}")
    return time.monotonic() - begun


def killed(words: Sequence[str], results: Path, moments: Sequence[float]) -> int:
    """Begin the command again and again, and kill it after so many seconds each; how often it was
    alive to be killed.
    """
    count = 0
    for moment in moments:
        process = reproduce(words, results)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
            count += 1
        process.communicate()
    return count


def claims(results: Path) -> dict[str, dict[str, object]]:
    """The rows of claims.json by id, without what is a time: the value of a wall time, and the
    sentence that says it.
    """
    rows = json.loads((results / "claims.json").read_text("utf-8"))
    timed = ("measured", "ci95", "per_seed", "controls", "why")
    return {
        row["id"]: {
            key: value
            for key, value in row.items()
            if "hardware" not in row["why"] or key not in timed
        }
        for row in rows
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("papers", nargs="*", default=["log_net"])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--profile", default="smoke")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    words, chance = [*wanted.papers, "--profile", wanted.profile], random.Random(wanted.seed)
    with tempfile.TemporaryDirectory() as folder:
        plain, disturbed = Path(folder, "plain"), Path(folder, "disturbed")
        seconds = finish(words, plain)
        count = killed(
            words,
            disturbed,
            [chance.uniform(0, 2 * seconds / wanted.kills + 5) for _ in range(wanted.kills)],
        )
        finish(words, disturbed)
        before, after = claims(plain), claims(disturbed)
        left = [
            str(path.relative_to(disturbed))
            for path in disturbed.rglob(".*")
            if path.is_file() and path.name != ".lock"
        ]
    different = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    print(
        f"{count} kills along one run of {seconds:.0f} s: {len(after)} rows, {len(different)}"
        " differ"
    )
    print(f"left behind: {', '.join(left) or 'nothing'}")
    for name in different:
        print(f"  {name}: {before.get(name)}\n  instead: {after.get(name)}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
