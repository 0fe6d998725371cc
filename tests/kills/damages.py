"""Two thousand damages of the files of an attacked run, each met by a command. It refuses the run
in one line that names the file, or makes it again to the same content; it never believes it, and
never shows a traceback.

    python tests/kills/damages.py [--damages 2000] [--seed 0]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from bioexp.__main__ import main as bioexp
from bioexp.records import Robustness
from bioexp.robustness.stored import table_of
from bioexp.types import UserError

CONFIG = """\
name: small
dataset: {name: blobs, features: [4, 4], classes: 3}
model: {name: mlp, hidden: [5]}
snapshots: [0, 8]
stages: [{rule: ./own.py:own, batch_size: 20, steps: 12, record_every: 4}]
"""
ATTACK = ("attack", "small", "--attacks", "fgsm", "--eps", "0.1", "--n", "20")
COMMANDS = {  # and how many of a hundred damages meet each
    "list": (("list", "runs", "--json"), 60),
    "train": (("train", "small.yaml"), 28),
    "report": (("report",), 8),
    "attack": (ATTACK, 4),
}
Damage = Callable[[Path, random.Random], object]


def _flip(file: Path, chance: random.Random) -> object:
    content = bytearray(file.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return file.write_bytes(content)


def _cut(file: Path, chance: random.Random) -> object:
    content = file.read_bytes()
    return file.write_bytes(content[: chance.randrange(len(content))])


def _link(file: Path, chance: random.Random) -> object:
    file.unlink()
    return file.symlink_to(chance.choice([file, file.with_name("nowhere"), Path("/dev/null")]))


DAMAGES: dict[str, Damage] = {
    "flip": _flip,
    "cut": _cut,
    "longer": lambda file, chance: file.write_bytes(file.read_bytes() + chance.randbytes(9)),
    "empty": lambda file, chance: file.write_bytes(b""),
    "other": lambda file, chance: file.write_bytes(chance.choice([b"[]", b"{}", b"\xff", b"1"])),
    "gone": lambda file, chance: file.unlink(),
    "folder": lambda file, chance: (file.unlink(), file.mkdir()),
    "link": _link,
}


def called(*words: str) -> tuple[int, str, str]:
    """The command line in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with patch.object(sys, "argv", ["bioexp", *words]), redirect_stdout(out), redirect_stderr(err):
        try:
            bioexp()
        except SystemExit as stop:
            return int(stop.code or 0), out.getvalue(), err.getvalue()
    return -1, "", ""


def shown(run: Path) -> tuple[dict[str, object], Robustness | None]:
    """What bioexp says of a run and its attacks, to whoever asks."""
    (row,) = json.loads(called("list", "runs", "--json")[1])
    try:
        table = table_of(run)
    except UserError:
        table = None
    return row, table and table.model_copy(update={"wall_s": 0})


def tried(
    number: int, run: Path, files: list[Path], truth: tuple[object, object], chance: random.Random
) -> tuple[str, str]:
    """One damage and what came of it: a word, and what is wrong with that."""
    file, what = chance.choice(files), chance.choice(list(DAMAGES))
    name = chance.choices(list(COMMANDS), [weight for _, weight in COMMANDS.values()])[0]
    DAMAGES[what](file, chance)
    code, out, err = called(*COMMANDS[name][0])
    about = f"{number}: {name} after {what} of {file.relative_to(run)}: exit {code}"
    if "Traceback" in out + err or code not in (0, 2):
        return "wrong", f"{about}: {err}"
    if code == 2:
        named = len(err.splitlines()) == 1 and (str(run) in err or "no finished run" in err)
        return ("refused", "") if named else ("wrong", f"{about}: {err}")
    if name == "list":
        (row,) = json.loads(out)
        kept = row == truth[0] or row["status"] != "finished"
        return ("told", "") if kept else ("wrong", f"{about}: {row}")
    row, table = shown(run)
    same = row == truth[0] and (name != "attack" or table == truth[1])
    return ("not read or made again", "") if same else ("wrong", f"{about}: another result")


def main() -> int:
    """Exits with 1 and the damages that were believed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--damages", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked, counts, wrong = parser.parse_args(), Counter[str](), []
    chance, began = random.Random(asked.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, patch("bioexp.figures.canvas.DPI", 30):
        os.chdir(folder)
        os.environ["BIOEXP_RESULTS"] = f"{folder}/results"
        Path("small.yaml").write_text(CONFIG)
        Path("own.py").write_text("from bioexp.rules.backprop import backprop as own\n")
        assert called("train", "small.yaml")[0] == called(*ATTACK)[0] == 0
        (run,) = Path(folder, "results", "small").iterdir()
        truth, whole = shown(run), Path(folder, "whole")
        shutil.copytree(run, whole)
        files = sorted(path for path in run.rglob("*") if path.is_file())
        for number in range(asked.damages):
            word, what = tried(number, run, files, truth, chance)
            counts[word] += 1
            wrong += [what] * bool(what)
            shutil.rmtree(run)
            shutil.copytree(whole, run)
        os.chdir("/")
    print("\n".join(wrong[:20]))
    told = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    print(
        f"{asked.damages} damages of {len(files)} files in {time.monotonic() - began:.0f} s: {told}"
    )
    return min(len(wrong), 1)


if __name__ == "__main__":
    sys.exit(main())
