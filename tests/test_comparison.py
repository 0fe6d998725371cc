"""The report of several experiments: two set against each other, and the robustness of all."""

import csv
import json
import re
import shutil

import pytest
from made_runs import made_robustness, made_run, vouch_again
from test_report import results as results  # a fixture
from test_report import words, written

from bioexp import records
from bioexp.experiment import Run
from bioexp.report.formats import estimate
from bioexp.robustness.compare import compared, paired

SEEDS = range(3)


@pytest.fixture
def sides(results) -> tuple[list[Run], list[Run]]:
    """Two experiments of three seeds; the second is more accurate, and survives more."""
    first = [
        made_run(results, "a", seed, 0.80 + seed / 100, robust=0.30 + seed / 100, width=5)
        for seed in SEEDS
    ]
    clean = [0.90, 0.91, 0.921]
    second = [
        made_run(results, "b", seed, clean[seed], robust=0.35 + seed / 100, width=9)
        for seed in SEEDS
    ]
    return first, second


def test_two_experiments_are_compared_by_what_differs_and_by_paired_intervals(results, sides):
    first, second = sides
    page, twin = written(results, [*first, *second])
    assert "<code>width</code></th><td>5</td><td>9</td>" in page
    assert "<code>stages" not in page
    difference = paired({0: 0.80, 1: 0.81, 2: 0.82}, {0: 0.90, 1: 0.91, 2: 0.921})
    shown = estimate(difference.difference, (difference.low, difference.high))
    assert shown in page
    assert f"| {shown} | 3 | more accurate |" in twin


def test_the_rows_under_attack_are_those_of_the_attack_command(results, sides):
    first, second = sides
    page, twin = written(results, [*first, *second])
    *_, worst = compared({"a": first, "b": second})
    shown = estimate(worst.difference, (worst.low, worst.high))
    line = f"| worst case | 0.1 | 0.3100 | 0.3600 | {shown} | 3 | {worst.says} |"
    assert line in twin
    assert shown in page
    assert "| the same images | clean | 0.9000 | 0.9000 |" in twin
    assert "the same 100 images" in words(page)


def test_every_attack_is_compared_by_itself(results, sides):
    first, second = sides
    page, twin = written(results, [*first, *second])
    folded = words(page.split("Attack by attack")[1].split("</details>")[0])
    assert "fgsm 0.1 0.4100 0.4600" in folded
    assert "pgd 0.1 0.3100 0.3600" in folded
    assert "| fgsm | 0.1 | 0.4100 | 0.4600 |" in twin.split("Attack by attack")[1]


def test_a_comparison_says_why_there_is_no_interval(results):
    runs = [made_run(results, "a", 0), made_run(results, "b", 0), made_run(results, "c", 1)]
    page, _ = written(results, runs)
    assert "one common seed: no interval" in page
    assert "They have no seed in common" in page
    assert "not every seed of both was attacked" in page


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"digest": "e"}, "scored on different test images"),
        ({"accuracy": None}, "One of them is no classifier"),
        ({"n": 60}, "attacked at other eps, or on other numbers of images"),
    ],
)
def test_what_cannot_be_paired_is_not(results, other, why):
    runs = [made_run(results, "a", robust=0.3), made_run(results, "b", robust=0.4, **other)]
    page, twin = written(results, runs)
    assert why in page
    assert why in twin
    assert "Attack by attack" not in page


def test_what_attacks_left_may_be_gone_and_the_tables_stay(results, sides):
    first, second = sides
    shutil.rmtree(second[0].path / "attacks")
    page, _ = written(results, [*first, *second])
    assert "not every seed of both was attacked" in page
    assert "test accuracy" in page.split("seed by seed")[1]
    assert "b, mean over 3 seeds" in page


def test_only_seeds_that_both_have_are_paired():
    difference = paired({0: 0.5, 1: 0.6, 7: 0.0}, {0: 0.7, 1: 0.8, 9: 1.0})
    assert difference.seeds == (0, 1)
    assert difference.difference == pytest.approx(0.2)
    assert difference.low == pytest.approx(difference.high)
    assert paired({0: 0.5}, {1: 0.5}) is None


def test_only_attacks_on_as_many_images_are_paired(results):
    alike, fewer = (
        {
            "a": [made_run(results, f"a{n}", robust=0.3)],
            "b": [made_run(results, f"b{n}", robust=0.4, n=n)],
        }
        for n in (100, 60)
    )
    clean, worst = compared(alike)
    assert (clean.eps, worst.eps) == (None, 0.1)
    assert worst.difference == pytest.approx(0.1)
    assert compared(fewer) == []


def test_a_red_flag_stands_beside_the_number_it_spoils(results):
    runs = [made_run(results, name, seed, robust=0.5) for name in "ab" for seed in (0, 1)]
    records.write(runs[-1].path / "robustness.json", made_robustness(0.5, red=True))
    vouch_again(runs[-1].path)
    page, twin = written(results, runs)
    assert "Robustness NOT established." in page
    assert "attack too weak (S3 at eps 0.1): " in page
    assert "it survives everything" in page
    assert re.search(r"\| worst case \|.*\| robustness NOT established: attack too weak", twin)


def test_the_robustness_of_several_experiments_is_one_table_in_four_forms(results):
    runs = [
        made_run(results, name="weak", robust=0.2),
        made_run(results, name="odd", robust=0.6),
        made_run(results, name="raw"),
    ]
    table = made_robustness(0.6, red=True)
    flag = table.flags[0].model_copy(update={"sentence": "it survives everything | truly"})
    far = {"value": 1.25, "low": 1.0, "high": 1.5, "interval": "order statistics over images"}
    odd = {"flags": (flag,), "median_l2": records.Distance(**far)}
    records.write(runs[1].path / "robustness.json", table.model_copy(update=odd))
    vouch_again(runs[1].path)
    page, twin = written(results, runs)
    assert "Robustness, side by side" in page
    assert "it survives everything" in page.split('id="ladder"')[1].split("</section>")[0]
    rows = list(csv.DictReader((results / "report.robustness.csv").open()))
    assert [row["experiment"] for row in rows] == ["weak", "odd"]
    about = ["experiment", "model", "rule", "dataset", "seeds", "n", "eps", "clean"]
    assert list(rows[0]) == [*about, "fgsm", "pgd", "worst case", "median_l2", "flags"]
    shown = [rows[1][key] for key in ("model", "rule", "eps", "worst case", "median_l2")]
    assert shown == ["mlp", "oja", "0.1", "0.6", "1.25"]
    said = ["", "attack too weak (S3): it survives everything | truly"]
    assert [row["flags"] for row in rows] == said
    held = json.loads((results / "report.robustness.json").read_text())
    assert [row["worst case"] for row in held] == [0.2, 0.6]
    line = next(line for line in twin.splitlines() if line.startswith("| odd | mlp | oja"))
    assert "0.600 | 1.250 |" in line
    assert line.count(" | ") == 12


def test_seeds_that_were_attacked_in_different_ways_have_no_mean(results):
    runs = [made_run(results, robust=0.3), made_run(results, seed=1, robust=0.4, n=60)]
    page, _ = written(results, [*runs, made_run(results, "other", robust=0.3)])
    assert "small, seed 1: accuracy under attack" in page
    assert "mean over 2 seeds" not in page
    rows = list(csv.DictReader((results / "report.robustness.csv").open()))
    assert [row["experiment"] for row in rows] == ["other"]
