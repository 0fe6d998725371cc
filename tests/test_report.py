"""The report: what a page says of claims, runs and comparisons, and that nothing in it can run,
load or lie.
"""

import csv
import dataclasses
import json
import re

import pytest
from bioexp.measures.comparison import differing, paired, paired_robustness
from PIL import Image

from bioexp.experiment import Run
from bioexp.report import papers as report_papers
from bioexp.report.formats import estimate, fenced, number
from bioexp.report.page import report
from bioexp.types import UserError

VERDICTS = ("reproduced", "not reproduced", "undecided", "not comparable", "not run")
EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def made_run(results, name="small", seed=0, accuracy=0.9, robust=None, **config):
    """A finished run as it lies on disk, without training one."""
    path = results / name / f"0a1b2c3d-s{seed}"
    (path / "figures").mkdir(parents=True)
    Image.new("RGBA", (60, 40), (200, 80 + seed, 0, 255)).save(path / "figures" / "w1.png")
    (path / "config.yaml").write_text("name: small\n")
    if robust is not None:
        (path / "robustness.json").write_text(json.dumps(made_robustness(robust)))
    provenance = {
        "seed": seed,
        "command": "bioexp train small.yaml",
        "dataset": {"name": "blobs", "digest": "d"},
        "wall_s": 1.5 + seed,
    }
    metrics = ({"stage": 0, "step": 4, "train_loss": 1.5, "train_accuracy": 0.5},)
    summary = {"test_accuracy": accuracy, "n_test": 90}
    return Run(
        path,
        {"name": name, "stages": [{"steps": 4}], **config},
        seed,
        provenance,
        summary,
        metrics,
        {},
    )


def made_robustness(worst, red=False, n=50):
    flag = {"code": "S3", "words": "attack too weak", "state": "quiet", "eps": [], "sentence": ""}
    if red:
        flag |= {"state": "red", "eps": [0.1], "sentence": "it survives everything"}

    def row(attack, eps, value, verdict=""):
        ends = {"low": value - 0.01, "high": value + 0.01, "interval": "binomial over images"}
        return {"attack": attack, "eps": eps, "accuracy": value, "n": n, "verdict": verdict, **ends}

    said = "NOT established: attack too weak (S3)" if red else "no flag"
    rows = [
        row("clean", None, 0.9),
        row("fgsm", 0.1, worst + 0.1),
        row("worst case", 0.1, worst, said),
    ]
    return {
        "title": "t",
        "norm": "linf",
        "n": n,
        "gradient_source": "true",
        "red": red,
        "flags": [flag],
        "rows": rows,
    }


def made_claim(i, verdict):
    measured = None if verdict == "not run" else 0.5 + i / 9
    return {
        "id": f"log_net/row_{i}",
        "kind": "number",
        "what": f"number {i}",
        "where": f"Table {i}",
        "measured_as": "test accuracy",
        "expected": 0.9 + i / 100,
        "accepted": [0.89 + i / 100, 0.91 + i / 100],
        "measured": measured,
        "ci95": None if measured is None else [measured - 0.01, measured + 0.01],
        "per_seed": [],
        "n_seeds": 3,
        "interval": "t over 3 seeds",
        "verdict": verdict,
        "why": f"because {i}",
        "controls": [{"what": "random weights", "measured": 0.111 * i, "ci95": None}],
        "command": "bioexp reproduce log_net",
        "figure": None,
    }


def made_claims(results):
    """A row of every verdict, a sentence without a number, a figure that is there, one that is not,
    and one that was not drawn.
    """
    (results / "figures").mkdir(exist_ok=True)
    Image.new("RGB", (300, 100), "navy").save(results / "figures" / "fig2.png")
    rows = [made_claim(i, verdict) for i, verdict in enumerate(VERDICTS)]
    sentence = rows[0] | {
        "id": "log_net/sentence",
        "kind": "claim",
        "what": EVIL,
        "expected": None,
        "accepted": [0.7, None],
        "why": EVIL,
    }
    figures = [
        {
            "id": f"log_net/{name}",
            "kind": "figure",
            "where": name,
            "what": f"caption {name}",
            "verdict": verdict,
            "figure": path,
        }
        for name, verdict, path in [
            ("fig2", "drawn", "figures/fig2.png"),
            ("fig3", "drawn", "../outside.png"),
            ("fig4", "not run", None),
        ]
    ]
    return [*rows, sentence, *figures]


@pytest.fixture
def results(tmp_path):
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


def written(results, runs, claims=(), **options):
    page = report(runs, results / "report.html", claims, **options)
    return page.read_text(), page.with_suffix(".md").read_text()


def test_the_first_screen_counts_every_verdict_and_the_figures_apart(results):
    page, twin = written(results, [made_run(results)], made_claims(results))
    header = page[page.index("<header>") : page.index("</header>")]
    assert "Of 6 claims and numbers from 1 paper, 2 hold, 1 does not" in header
    for verdict in VERDICTS:
        assert verdict in header
        assert verdict in twin
    assert "figures drawn again" in header
    assert "Figures drawn again: 2 of 3" in twin


def test_a_row_says_what_the_document_says_beside_what_was_measured_its_controls_and_how_to_redo_it(
    results,
):
    page, _ = written(results, [made_run(results)], made_claims(results))
    row = re.search(r'<tr role="row" id="log_net-row_1">.*?</tr>', page, re.DOTALL).group()
    said = (
        "number 1",
        "Table 1",
        "0.91",
        "0.9 to 0.92",
        "0.611",
        "[0.601, 0.621]",
        "t over 3 seeds",
    )
    for words in (
        *said,
        "random weights",
        "0.111",
        "not reproduced",
        "because 1",
        "bioexp reproduce log_net",
    ):
        assert words in row


def test_the_markdown_twin_has_the_pages_numbers(results):
    page, twin = written(
        results,
        [made_run(results, robust=0.4), made_run(results, seed=1, robust=0.5)],
        made_claims(results),
    )
    cells = re.findall(r"<td[^>]*data-value=\"[^\"]+\"[^>]*>(\d\.\d+)<", page)
    assert len(cells) > 10
    for cell in cells:
        assert cell in twin
    assert "0.611 [0.601, 0.621]" in twin
    assert "](figures/fig2.png)" in twin


def test_a_paper_is_explained_by_its_deviations_and_by_equations_with_their_code(
    results, monkeypatch
):
    paper = dataclasses.replace(
        report_papers.PAPERS["log_net"], equations=(("y < x & z", differing),)
    )
    monkeypatch.setitem(report_papers.PAPERS, "log_net", paper)
    page, twin = written(results, [made_run(results)], made_claims(results))
    assert "<li>The document minimizes" in page
    assert "1. The document minimizes" in twin
    assert "y &lt; x &amp; z" in page
    assert re.search(r"bioexp/measures/comparison.py:\d+", page)
    assert "def differing(configs" in twin
    assert differing.__doc__ not in twin  # the equation says it already


def test_a_picture_that_is_missing_or_lies_outside_the_results_is_named_and_not_shown(results):
    Image.new("RGB", (9, 9)).save(results.parent / "outside.png")
    page, twin = written(results, [made_run(results)], made_claims(results))
    assert "The picture is not where claims.json has it: <code>../outside.png</code>" in page
    assert "outside.png" not in twin
    assert page.count("<img") == 2
    assert 'alt="caption fig2"' in page


def test_markup_in_claims_and_configs_comes_out_inert(results):
    run = made_run(results, note=EVIL, robust=0.4)
    page, twin = written(
        results,
        [run, made_run(results, name="other", note="plain")],
        made_claims(results),
        compare=True,
    )
    assert page.count("<script") == 1
    outside_code = re.sub(r"```.*?```", "", twin, flags=re.DOTALL)
    assert "<img src=x" not in page + outside_code
    assert "<script" not in outside_code
    assert "&lt;script&gt;" in page
    assert "script-src 'sha256-" in page


def test_the_page_asks_nothing_of_the_network(results):
    page, _ = written(results, [made_run(results)], made_claims(results))
    targets = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert all(target.startswith(("data:", "#")) for target in targets)
    assert "default-src 'none'" in page
    anchors = re.findall(r'id="([^"]*)"', page)
    assert len(anchors) == len(set(anchors))
    assert {target[1:] for target in targets if target.startswith("#")} <= set(anchors)


def test_two_experiments_are_compared_by_what_differs_and_by_paired_intervals(results):
    first = [
        made_run(results, "a", seed, 0.80 + seed / 100, robust=0.30 + seed / 100, width=5)
        for seed in range(3)
    ]
    second = [
        made_run(
            results,
            "b",
            seed,
            0.90 + seed / 100 + (seed == 2) / 1000,
            robust=0.35 + seed / 100,
            width=9,
        )
        for seed in range(3)
    ]
    page, twin = written(results, [*first, *second])
    assert "<code>width</code></th><td>5</td><td>9</td>" in page
    assert "<code>stages" not in page
    difference = paired({0: 0.80, 1: 0.81, 2: 0.82}, {0: 0.90, 1: 0.91, 2: 0.921})
    shown = estimate(difference.value, (difference.low, difference.high))
    assert shown in page
    assert f"| {shown} | 3 | higher |" in twin
    assert "| worst case | 0.1 | 0.3100 | 0.3600 |" in twin


def test_the_robustness_of_several_experiments_is_one_table_in_four_forms(results):
    config = {"model": {"name": "mlp"}, "stages": [{"steps": 4, "rule": {"name": "oja"}}]}
    runs = [
        made_run(results, name="weak", robust=0.2, **config),
        made_run(results, name="odd", robust=0.6, **config),
        made_run(results, name="raw"),
    ]
    table = json.loads((runs[1].path / "robustness.json").read_text())
    table["flags"][0] |= {"state": "red", "sentence": "it survives everything | truly"}
    table["median_l2"] = {
        "value": 1.25,
        "low": 1.0,
        "high": 1.5,
        "interval": "order statistics over images",
    }
    (runs[1].path / "robustness.json").write_text(json.dumps(table))
    page, twin = written(results, runs)
    assert "Robustness, side by side" in page
    assert "it survives everything" in page.split('id="ladder"')[1].split("</section>")[0]
    rows = list(csv.DictReader((results / "report.robustness.csv").open()))
    assert [row["experiment"] for row in rows] == ["weak", "odd"]
    assert list(rows[0]) == [
        "experiment",
        "model",
        "rule",
        "dataset",
        "seeds",
        "n",
        "eps",
        "clean",
        "fgsm",
        "worst case",
        "median_l2",
        "flags",
    ]
    assert [rows[1][key] for key in ("model", "rule", "eps", "worst case", "median_l2")] == [
        "mlp",
        "oja",
        "0.1",
        "0.6",
        "1.25",
    ]
    assert [row["flags"] for row in rows] == [
        "",
        "attack too weak (S3): it survives everything | truly",
    ]
    held = json.loads((results / "report.robustness.json").read_text())
    assert [row["worst case"] for row in held] == [0.2, 0.6]
    line = next(line for line in twin.splitlines() if line.startswith("| odd | mlp | oja"))
    assert "0.600 | 1.250 |" in line
    assert line.count(" | ") == 11


def test_a_comparison_says_why_there_is_no_interval(results):
    runs = [made_run(results, "a", 0), made_run(results, "b", 0), made_run(results, "c", 1)]
    page, _ = written(results, runs)
    assert "one common seed: no interval" in page
    assert "They have no seed in common" in page
    assert "not both were attacked" in page


def test_a_red_flag_stands_beside_the_number_it_spoils(results):
    runs = [made_run(results, name, seed, robust=0.5) for name in "ab" for seed in (0, 1)]
    (runs[-1].path / "robustness.json").write_text(json.dumps(made_robustness(0.9, red=True)))
    page, twin = written(results, runs)
    assert "Robustness NOT established." in page
    assert "attack too weak (S3 at eps 0.1): " in page
    assert "it survives everything" in page
    assert re.search(r"\| worst case \|.*\| robustness NOT established \|", twin)


def test_seeds_share_pictures_and_show_provenance_where_it_differs(results):
    page, _ = written(results, [made_run(results, seed=seed) for seed in (1, 0, 2)])
    assert page.count("<img") == 1
    assert "Pictures of seed 0" in page
    assert "seed 1: 2.5" in page
    assert page.count("bioexp train small.yaml") == 1


def test_no_runs_and_no_page_are_the_users_errors(results):
    with pytest.raises(UserError, match="no runs to report on"):
        report([], results / "report.html")
    with pytest.raises(UserError, match="names the HTML page"):
        report([made_run(results)], results / "report.md")
    with pytest.raises(UserError, match=r"claims.json: a row has no 'verdict'"):
        report(
            [made_run(results, seed=1)],
            results / "report.html",
            [{"id": "x/y", "kind": "claim", "what": "z"}],
        )


def test_a_trained_run_is_reported_by_the_command_line_without_any_claims(
    bioexp, write_config, tmp_path
):
    assert bioexp("train", write_config(), "--seeds", 2)[0] == 0
    code, _, err = bioexp("report", "small", "-o", tmp_path / "page.html")
    assert (code, err) == (0, "")
    page, twin = (tmp_path / "page.html").read_text(), (tmp_path / "page.md").read_text()
    assert "2 seeds on blobs" in page
    assert "today&#39;s" in page
    assert "](results/small/" in twin


def test_only_seeds_that_both_have_are_paired_and_only_attacks_of_one_protocol():
    difference = paired({0: 0.5, 1: 0.6, 7: 0.0}, {0: 0.7, 1: 0.8, 9: 1.0})
    assert difference.seeds == (0, 1)
    assert difference.value == pytest.approx(0.2)
    assert difference.low == pytest.approx(difference.high)
    assert paired({0: 0.5}, {1: 0.5}) is None
    same = paired_robustness({0: made_robustness(0.3)}, {0: made_robustness(0.4)})
    assert same[("worst case", 0.1)].value == pytest.approx(0.1)
    assert ("clean", None) not in same
    assert paired_robustness({0: made_robustness(0.3)}, {0: made_robustness(0.4, n=60)}) == {}


@pytest.mark.parametrize(
    ("value", "ends", "shown"),
    [
        (0.8747, (0.8681, 0.8811), "0.8747 [0.8681, 0.8811]"),
        (-0.5, (-0.75, -0.25), "−0.50 [−0.75, −0.25]"),
        (585.0, (520.0, 650.0), "585 [520, 650]"),
        (0.5, None, "0.5"),
        (None, None, "–"),
    ],
)
def test_a_number_has_the_decimals_that_its_interval_allows(value, ends, shown):
    assert estimate(value, ends) == shown


def test_a_fence_is_longer_than_the_backticks_in_its_code():
    assert fenced("a ``` b", "yaml") == "````yaml\na ``` b\n````"


def test_a_claim_leads_to_its_runs_and_the_page_says_how_to_cite_it(results):
    rows = [row | {"runs": ["small/0a1b2c3d", "gone/11111111"]} for row in made_claims(results)]
    page, _ = written(results, [made_run(results)], rows)
    assert '<a href="#run-small-0a1b2c3d">small/0a1b2c3d</a>, gone/11111111.' in page
    cited = page.split("How to cite")[1].split("</details>")[0]
    assert "A Biophysically Inspired Neural Network" in cited
    assert "2021" in cited


def test_documents_stand_in_the_order_of_the_library_and_a_users_own_comes_last(results):
    rows = [
        made_claim(0, "reproduced") | {"id": f"{paper}/row"}
        for paper in ("mine", "stdp_rule", "log_net")
    ]
    page, _ = written(results, [made_run(results)], rows)
    assert re.findall(r'<section id="(\w+)" aria', page)[:3] == ["log_net", "stdp_rule", "mine"]


def test_only_the_first_configuration_of_an_experiment_shows_its_pictures_beside_claims(results):
    first = made_run(results)
    (results / "small" / "0a1b2c3d-s0").rename(results / "small" / "ffffffff-s0")
    second = dataclasses.replace(first, path=results / "small" / "ffffffff-s0")
    first = made_run(results)
    with_claims, _ = written(results, [first, second], [made_claim(0, "reproduced")])
    without, _ = written(results, [first, second])
    assert (with_claims.count("<img"), without.count("<img")) == (1, 2)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (40_000.0, "40,000"),
        (-41234.5, "−41,234"),
        (0.0123456, "0.01235"),
        (1e12, "1e+12"),
        (None, "–"),
    ],
)
def test_numbers_have_four_digits_and_thousands_all_of_theirs(value, shown):
    assert number(value) == shown
