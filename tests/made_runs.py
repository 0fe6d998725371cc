"""Finished runs and rows of claims as they lie on disk, without training anything."""

from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from bioexp import records
from bioexp.claims.records import ClaimRow, ControlRow, ReadingRow
from bioexp.experiment import Run
from bioexp.files import write_arrays, write_text
from bioexp.records import (
    AttackRow,
    DataRecord,
    Device,
    Flag,
    Git,
    Provenance,
    Robustness,
    Summary,
)
from bioexp.runs.directory import WRITTEN, finish, open_run
from bioexp.vouched import vouch

VERDICTS = (
    "reproduced",
    "not reproduced",
    "undecided",
    "not comparable",
    "not run",
    "holds trivially",
    "fitted",
)
EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'
EPS, CLEAN = 0.1, 0.9
STAGE = {
    "rule": {"name": "oja"},
    "objective": {"name": "cross_entropy"},
    "optimizer": {"name": "sgd"},
    "steps": 4,
}


def made_run(
    results: Path,
    name: str = "small",
    seed: int = 0,
    accuracy: float | None = 0.9,
    *,
    robust: float | None = None,
    identity: str = "0a1b2c3d4e5f",
    n: int = 100,
    digest: str = "d",
    source: str = "made",
    finished: str = "2026-01-01T00:00:00+00:00",
    **config,
) -> Run:
    """A finished run. accuracy: None where the outputs are no classes. robust: what is left of it
    in the worst case, if it was attacked, on n images.
    """
    path = results / name / f"{identity}-s{seed}"
    (path / "figures").mkdir(parents=True)
    Image.new("RGBA", (60, 40), (200, 80 + seed, 0, 255)).save(path / "figures" / "w1.png")
    whole = {
        "name": name,
        "dataset": {"name": "blobs"},
        "model": {"name": "mlp"},
        "stages": [STAGE],
    }
    write_text(path / "config.yaml", yaml.safe_dump(whole | config))
    write_text(
        path / "metrics.jsonl",
        '{"stage": 0, "step": 4, "train_loss": 1.5, "train_accuracy": 0.5}\n',
    )
    write_arrays(path / "weights.npz", {"layers/0/w": np.zeros((2, 2))})
    if robust is not None:
        records.write(path / "robustness.json", made_robustness(robust, n=n))
        for attack, kept in (("fgsm", robust + 0.1), ("pgd", robust)):
            write_arrays(path / "attacks" / f"{attack}.npz", _attacked(kept, n))
    finish(
        path,
        made_provenance(seed, digest, source).model_copy(
            update={"config_digest": f"{identity:0<64}", "finished": finished}
        ),
        Summary(
            test_accuracy=accuracy,
            test_loss=0.25 if accuracy is None else None,
            n_test=90,
            steps=4,
        ),
    )
    vouch_again(path)
    return open_run(path)


def vouch_again(path: Path) -> None:
    """Markers of a run for what its files hold now, as if bioexp itself had written that."""
    vouch(path / "FINISHED", {file for name in WRITTEN for file in path.glob(name)})
    if (path / "robustness.json").is_file():
        files = [*path.glob("attacks/*.npz"), *path.glob("robustness.*")]
        vouch(path / "ATTACKED", [path / "FINISHED", *files])


def made_provenance(seed: int, digest: str, source: str) -> Provenance:
    return Provenance(
        command="bioexp train small.yaml",
        git=Git(commit="0123456789abcdef"),
        versions={"bioexp": "0"},
        device=Device(kind="cpu", platform="cpu", count=1, machine="made"),
        precision="float32",
        environment={},
        peak_memory_mb=1,
        seed=seed,
        dataset=DataRecord(name="blobs", source=source, digest=digest, n_train=10),
        group=(seed,),
        wall_s=1.5 + seed,
        stage_s=(1.0,),
        compile_s=0.5,
        finished="2026-01-01T00:00:00+00:00",
        code_digest="0",
        config_digest="0",
    )


def made_robustness(worst: float, *, red: bool = False, n: int = 100) -> Robustness:
    """A table of two attacks at one eps, of which the second is the worst case of all images."""
    said = "NOT established: attack too weak (S3)" if red else "no flag"
    kept = [("clean", None, CLEAN, ""), ("fgsm", EPS, worst + 0.1, ""), ("pgd", EPS, worst, "")]
    rows = [
        AttackRow(
            attack=attack,
            eps=eps,
            accuracy=value,
            n=n,
            verdict=verdict,
            low=value - 0.01,
            high=value + 0.01,
            interval="binomial over images",
        )
        for attack, eps, value, verdict in [*kept, ("worst case", EPS, worst, said)]
    ]
    flag = Flag(
        code="S3",
        words="attack too weak",
        state="red" if red else "quiet",
        eps=(EPS,) if red else (),
        sentence="it survives everything" if red else "",
    )
    return Robustness(
        title="t",
        norm="linf",
        n=n,
        gradient_source="true",
        red=red,
        flags=(flag,),
        rows=tuple(rows),
    )


def _attacked(kept: float, n: int) -> dict[str, np.ndarray]:
    """What an attack leaves of n images: the first of them survive."""
    first = np.arange(n)
    return {
        "eps": np.array([EPS]),
        "correct": (first < round(kept * n))[None],
        "clean": first < round(CLEAN * n),
    }


def made_claim(number: int, verdict: str, **changes) -> ClaimRow:
    measured = None if verdict == "not run" else 0.5 + number / 9
    row = ClaimRow(
        id=f"log_net/row_{number}",
        kind="number",
        where=f"Table {number}",
        what=f"number {number}",
        measured_as="test accuracy",
        expected=0.9 + number / 100,
        accepted=(0.89 + number / 100, 0.91 + number / 100),
        tolerance=0.01,
        measured=measured,
        ci95=None if measured is None else (measured - 0.01, measured + 0.01),
        per_seed=(),
        n_seeds=3,
        interval="t over 3 seeds",
        controls=(ControlRow(what="random weights", measured=0.111 * number, ci95=None),),
        verdict=verdict,
        why=f"because {number}",
        command="bioexp reproduce log_net",
        figure=None,
        runs=(),
    )
    return row.model_copy(update=changes)


def made_reading(what: str, verdict: str, **changes) -> ReadingRow:
    """A part of a claim, another reading of it, or its null."""
    row = ReadingRow(
        what=what,
        accepted=(0.5, None),
        measured=0.8,
        ci95=(0.7, 0.9),
        per_seed=(0.75, 0.85),
        interval="t over 2 seeds",
        verdict=verdict,
    )
    return row.model_copy(update=changes)


def made_figure(name: str, verdict: str, path: str | None) -> ClaimRow:
    empty = {"expected": None, "accepted": (None, None), "tolerance": None, "measured": None}
    nothing = {"ci95": None, "n_seeds": 0, "interval": "", "controls": (), "measured_as": ""}
    about = {"id": f"log_net/{name}", "kind": "figure", "where": name, "what": f"caption {name}"}
    shown = {"figure": path, "why": "", "command": ""}
    return made_claim(0, verdict, **empty, **nothing, **about, **shown)


def made_claims(results: Path) -> list[ClaimRow]:
    """A row of every verdict, a sentence without a number, a figure that is there, one that is not,
    and one that was not drawn.
    """
    (results / "figures").mkdir(exist_ok=True)
    Image.new("RGB", (300, 100), "navy").save(results / "figures" / "fig2.png")
    rows = [made_claim(number, verdict) for number, verdict in enumerate(VERDICTS)]
    part = made_reading("the second clause", "reproduced")
    reading = made_reading("by Adam", "not reproduced", measured=0.2, ci95=(0.1, 0.3))
    null = made_reading("shuffled labels", "not reproduced", measured=0.1, ci95=None)
    beside = {"parts": (part,), "readings": (reading,), "null": null, "decides": "as printed"}
    rows[0] = rows[0].model_copy(update={**beside, "prediction": (0.48, 0.52)})
    said = {"id": "log_net/sentence", "kind": "claim", "what": EVIL, "why": EVIL}
    sentence = rows[0].model_copy(update={**said, "expected": None, "accepted": (0.7, None)})
    return [
        *rows,
        sentence,
        made_figure("fig2", "drawn", "figures/fig2.png"),
        made_figure("fig3", "drawn", "../outside.png"),
        made_figure("fig4", "not run", None),
    ]
