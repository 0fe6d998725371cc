"""Who may be called more robust: paired images and seeds, an interval that excludes 0, and no red
check.
"""

import json
import shutil

import numpy as np
import pytest

from bioexp.robustness.compare import RESAMPLES, Survived, compare, compared, interval, unequal
from bioexp.runs.directory import find, grouped, open_run
from bioexp.runs.labels import labelled
from bioexp.types import UserError

RNG = np.random.default_rng(0)


def seeds(share: float, count: int = 5, n: int = 400, doubts: str = "") -> dict[int, Survived]:
    """Nets that leave this share of the same images, the first ones, give or take a few."""
    survives = [np.arange(n) < share * n + RNG.integers(-3, 4) for _ in range(count)]
    return {
        seed: Survived({None: np.ones(n, bool), 0.1: correct}, {0.1: doubts} if doubts else {})
        for seed, correct in enumerate(survives)
    }


def test_the_bootstrap_is_the_one_that_draws_anew_in_a_loop():
    differences = np.random.default_rng(1).integers(-1, 2, (3, 40)).astype(float)
    rng, means = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        some = differences[rng.integers(3, size=3)]
        means.append(some[:, rng.integers(40, size=40)].mean())
    np.testing.assert_allclose(interval(differences), np.percentile(means, [2.5, 97.5]), atol=1e-12)


def test_more_robust_needs_an_interval_without_zero_and_no_red_check():
    clean, attacked = compare(seeds(0.3), seeds(0.5))
    assert (clean.eps, clean.says) == (None, "cannot tell: the interval holds 0")
    assert attacked.says == "more robust"
    assert attacked.low < attacked.difference < attacked.high
    assert attacked.difference == pytest.approx(0.2, abs=0.02)
    assert compare(seeds(0.5), seeds(0.3))[1].says == "less robust"
    assert compare(seeds(0.4), seeds(0.4))[1].says == "cannot tell: the interval holds 0"
    for sides in (
        (seeds(0.3, doubts="NOT established: x"), seeds(0.5)),
        (seeds(0.3), seeds(0.5, doubts="NOT established: x")),
    ):
        assert compare(*sides)[1].says == "robustness NOT established: x"
    assert "on 2 seeds; a claim needs 5" in compare(seeds(0.3, 2), seeds(0.5))[1].says


def test_what_is_not_paired_is_not_compared():
    assert compare(seeds(0.3), {9: seeds(0.3)[0]}) == []
    assert compare(seeds(0.3), seeds(0.3, n=300)) == []


def test_the_interval_over_images_is_that_of_the_mean_and_seeds_widen_it():
    """For one seed the normal interval; five seeds that disagree leave more doubt than their images
    alone.
    """
    values = RNG.choice([-1.0, 0.0, 1.0], (1, 2000))
    half = 1.96 * values.std() / 2000**0.5
    np.testing.assert_allclose(
        interval(values), [values.mean() - half, values.mean() + half], atol=0.15 * half
    )
    apart = np.repeat([[0.0], [0.4]], 2000, 1)
    assert np.ptp(interval(apart)) > 0.2


CONFIG = """\
name: {name}
dataset: {{name: blobs, features: [4, 4], classes: 3}}
model: {{name: mlp, hidden: [5]}}
stages:
  - rule: {rule}
    optimizer: {{name: adam, learning_rate: 0.03}}
    batch_size: 20
    steps: 60
    record_every: 30
"""


def test_the_command_compares_what_is_named_and_twins_are_sources(bioexp, write_config, tmp_path):
    for name, rule in (("made", "feedback_alignment"), ("twin", "backprop")):
        assert (
            bioexp("train", write_config(CONFIG.format(name=name, rule=rule), f"{name}.yaml"))[0]
            == 0
        )
    code, out, err = bioexp(
        "attack", "made", "twin", "--attacks", "fgsm,transfer", "--eps", "0.1,0.3"
    )
    assert code == 0, err
    assert "twin against made (worst case, 90 images and 1 common seed(s), paired" in out
    records = [
        json.loads(path.read_text())
        for path in (tmp_path / "results").glob("made/*/robustness.json")
    ]
    assert {"transfer"} <= {row["attack"] for record in records for row in record["rows"]}
    runs = [open_run(path) for path in find(tmp_path / "results", ["made", "twin"])]
    groups = dict(zip(labelled(grouped(runs)), grouped(runs), strict=True))
    rows = compared(groups)
    assert [row.eps for row in rows] == [None, 0.1, 0.3]
    assert {(row.first, row.second) for row in rows} == {("made", "twin")}
    clean, *under_attack = rows
    apart = {"difference": 0.3, "of_first": 0.6, "of_second": 0.9}
    (hint,) = unequal(groups, [clean.model_copy(update=apart), *under_attack])
    assert (
        f"twin stopped early is: bioexp train {runs[1].path}/config.yaml --set name=twin_early"
        " --set stages.0.until=" in hint
    )
    code, out, err = bioexp("train", *hint.partition("bioexp train ")[2].split(), "--dry-run")
    assert code == 0, err
    assert unequal(groups, [row.model_copy(update={"difference": 0.001}) for row in rows]) == []
    assert clean.of_second == pytest.approx(
        np.mean([run.summary.test_accuracy for run in runs[1:]])
    )
    shutil.rmtree(runs[0].path / "attacks")
    with pytest.raises(UserError, match="what attacks left of it is gone; attack the run again"):
        compared(groups)


def test_a_net_named_to_follow_is_followed_and_one_of_other_data_refused(
    bioexp, write_config, tmp_path
):
    for name, classes in (("made", 3), ("guide", 3), ("foreign", 4)):
        text = CONFIG.format(name=name, rule="feedback_alignment").replace(
            "classes: 3", f"classes: {classes}"
        )
        assert bioexp("train", write_config(text, f"{name}.yaml"))[0] == 0
    code, out, err = bioexp(
        "attack", "made", "--attacks", "transfer", "--eps", "0.3", "--transfer-from", "guide"
    )
    assert code == 0, err
    assert "transfer" in out
    code, out, err = bioexp(
        "attack", "made", "--attacks", "transfer", "--eps", "0.3", "--transfer-from", "foreign"
    )
    assert code == 2
    assert "cannot be followed by an attack on made/" in err
