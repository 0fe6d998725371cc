"""The report: what a page says of claims and runs, and that nothing in it can run, load or lie."""

import dataclasses
import re
import shutil
import time
from urllib.parse import unquote

import numpy as np
import pytest
from made_runs import (
    EVIL,
    VERDICTS,
    made_claim,
    made_claims,
    made_robustness,
    made_run,
    vouch_again,
)
from PIL import Image

from bioexp import papers, records
from bioexp.papers.log_net import PAPER
from bioexp.report import images
from bioexp.report.formats import estimate, fenced, number
from bioexp.report.page import report
from bioexp.runs.directory import open_run
from bioexp.runs.labels import differing
from bioexp.types import UserError


@pytest.fixture
def results(tmp_path):
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


def written(results, runs, claims=(), **options):
    page = report(runs, results / "report.html", claims, **options)
    return page.read_text(), page.with_suffix(".md").read_text()


def words(html):
    """What is said in a piece of a page, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def row_of(page, claim):
    return re.search(rf'<tr role="row" id="log_net-{claim}">.*?</tr>', page, re.DOTALL).group()


def test_the_first_screen_counts_every_verdict_and_the_figures_apart(results):
    page, twin = written(results, [made_run(results)], made_claims(results))
    header = words(page[page.index("<header>") : page.index("</header>")])
    assert (
        "Of 8 claims and numbers from 1 paper, 2 hold, 1 does not, 1 is undecided; 2 could not fail"
        " or were fitted; 2 could not be judged." in header
    )
    for verdict in VERDICTS:
        assert verdict in header
        assert verdict in twin
    assert "2 of 3 figures drawn again" in header
    assert "Figures drawn again: 2 of 3" in twin


def test_a_row_says_what_the_paper_says_beside_what_was_measured_its_controls_and_how_to_redo_it(
    results,
):
    page, _ = written(results, [made_run(results)], made_claims(results))
    row = row_of(page, "row_1")
    said = ("number 1", "Table 1", "0.91", "0.9 to 0.92", "0.611", "[0.601, 0.621]")
    found = ("random weights", "0.111", "not reproduced", "because 1", "t over 3 seeds")
    for shown in (*said, *found, "bioexp reproduce log_net"):
        assert shown in row


def test_parts_readings_and_the_null_of_a_claim_stand_beside_it_each_judged(results):
    page, twin = written(results, [made_run(results)], made_claims(results))
    row = words(row_of(page, "row_0"))
    for shown in (
        "0.80 [0.70, 0.90] also: the second clause (accepted: at least 0.5). reproduced",
        "0.200 [0.100, 0.300] another reading: by Adam (accepted: at least 0.5). not reproduced",
        "0.1 null: shuffled labels (accepted: at least 0.5). not reproduced",
        "one more net: [0.4800, 0.5200]",
        "Of its readings this one decides: as printed.",
    ):
        assert shown in row
    assert "another reading: by Adam: 0.200 [0.100, 0.300], not reproduced" in twin


def test_nothing_stands_where_nothing_is_printed_measured_or_accepted(results):
    rows = [
        made_claim(0, "not run", expected=None, accepted=(None, None), controls=(), why=""),
        made_claim(1, "reproduced", measured=float("nan"), ci95=(float("nan"), float("inf"))),
        made_claim(2, "reproduced", accepted=(None, float("inf"))),
    ]
    page, _ = written(results, [made_run(results)], rows)
    empty, no_number, no_end = (row_of(page, f"row_{number}") for number in range(3))
    assert "ccepted" not in empty
    assert len(re.findall(r"<td[^>]*></td>", empty)) == 4  # a narrow screen hides those
    assert "Measured" in no_number
    assert "nan" not in no_number
    assert "inf" not in no_end


def test_the_markdown_twin_has_the_pages_numbers(results):
    page, twin = written(
        results,
        [made_run(results, robust=0.4), made_run(results, seed=1, robust=0.5)],
        made_claims(results),
    )
    cells = re.findall(r"<td[^>]*data-value=\"[^\"]+\"[^>]*>\s*(\d\.\d+)\s*<", page)
    assert len(cells) > 10
    for cell in cells:
        assert cell in twin
    assert "0.611 [0.601, 0.621]" in twin
    assert "](figures/fig2.png)" in twin


def test_the_tables_of_the_twin_have_cells_for_all_of_their_columns(results):
    runs = [made_run(results, name, robust=0.4) for name in "ab"]
    (runs[0].path / "robustness.png").write_bytes((runs[0].path / "figures/w1.png").read_bytes())
    _, twin = written(results, runs, made_claims(results), compare=True)
    tables = re.findall(r"(?:^\|.*\|$\n)+", re.sub(r"```.*?```", "", twin, flags=re.S), re.M)
    assert len(tables) > 10
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1, table
        assert len(table.splitlines()) > 2, table


def test_a_paper_is_explained_by_its_deviations_and_by_equations_with_their_code(
    results, monkeypatch
):
    paper = dataclasses.replace(PAPER, equations=(("y < x & z", differing),))
    monkeypatch.setitem(papers.TABLE, "log_net", lambda: paper)
    page, twin = written(results, [made_run(results)], made_claims(results))
    assert "<li>The paper minimizes" in page
    assert "1. The paper minimizes" in twin
    assert "y &lt; x &amp; z" in page
    assert re.search(r"bioexp/runs/labels.py:\d+", page)
    assert "def differing(configs" in twin
    assert differing.__doc__ not in twin  # the equation says it already


def test_rows_of_no_paper_are_explained_too(results):
    row = made_claim(0, "reproduced", id="beyond/row")
    page, twin = written(results, [made_run(results)], [row])
    assert "Beyond the papers" in page
    assert "every rule on every image dataset" in page
    assert re.search(r"^1\. Image datasets are", twin, re.M)


def test_a_paper_whose_code_is_broken_keeps_its_rows(results, monkeypatch):
    def broken():
        raise ImportError("no module named maths")

    monkeypatch.setitem(papers.TABLE, "log_net", broken)
    page, _ = written(results, [made_run(results)], made_claims(results))
    assert "its code cannot be imported here: ImportError: no module named maths" in page
    assert "because 1" in row_of(page, "row_1")
    assert "ImportError" not in page.split("How to cite")[1].split("</details>")[0]


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


@pytest.fixture
def many_pictures(monkeypatch):
    """As if those of any page were too many for it."""
    monkeypatch.setattr(images, "INLINE", 0)


def sources(page):
    """The files that a page's pictures are in."""
    return [unquote(source) for source in re.findall(r'<img src="([^"]*)"', page)]


@pytest.mark.usefixtures("many_pictures")
def test_pictures_that_are_too_many_for_a_page_stay_where_they_are_below_it(results):
    run = made_run(results, "a net@blobs")
    page, twin = written(results, [run], made_claims(results))
    figure, own = sources(page)
    assert (results / own).samefile(run.path / "figures/w1.png")
    assert (results / figure).samefile(results / "figures/fig2.png")
    assert page.count(' width="60" height="40" loading="lazy">') == 1
    assert "img-src data: 'self' file:;" in page
    assert "except its pictures: they are files in folders beside it" in words(page)
    assert "](a%20net%40blobs/0a1b2c3d4e5f-s0/figures/w1.png)" in twin
    assert not list(results.rglob("*_files"))


@pytest.mark.usefixtures("many_pictures")
def test_a_page_that_lies_elsewhere_has_copies_beside_it_of_what_it_shows(results, tmp_path):
    run, folder = made_run(results), tmp_path / "elsewhere"
    page = report([run], folder / "page.html")
    (source,) = sources(page.read_text())
    assert re.fullmatch(r"page_files/w1-[0-9a-f]{12}\.png", source)
    assert (folder / source).read_bytes() == (run.path / "figures/w1.png").read_bytes()
    assert f"]({source})" in page.with_suffix(".md").read_text()
    (folder / "page_files" / "mine.png").write_bytes(b"")
    Image.new("RGB", (9, 9)).save(run.path / "figures" / "w1.png")
    report([run], page)
    (other,) = sources(page.read_text())
    assert other != source
    assert {file.name for file in (folder / "page_files").iterdir()} == {other[11:], "mine.png"}


def test_copies_are_removed_once_a_page_holds_its_pictures_again(results, tmp_path, monkeypatch):
    run, page = made_run(results), tmp_path / "elsewhere" / "page.html"
    with monkeypatch.context() as patch:
        patch.setattr(images, "INLINE", 0)
        report([run], page)
    assert (page.parent / "page_files").is_dir()
    report([run], page)
    assert not (page.parent / "page_files").exists()
    (source,) = sources(page.read_text())
    assert source.startswith("data:image/png;base64,")


@pytest.mark.usefixtures("many_pictures")
def test_a_crash_leaves_the_page_of_before_with_its_pictures(results, tmp_path, monkeypatch):
    run, page = made_run(results), tmp_path / "elsewhere" / "page.html"
    before = report([run], page).read_bytes()
    (source,) = sources(before.decode())
    Image.new("RGB", (9, 9)).save(run.path / "figures" / "w1.png")

    def crash(path, text):
        raise KeyboardInterrupt

    monkeypatch.setattr("bioexp.report.page.write_text", crash)
    with pytest.raises(KeyboardInterrupt):
        report([run], page)
    assert page.read_bytes() == before
    assert (page.parent / source).is_file()
    assert not list(page.parent.rglob(".*"))


def test_a_report_of_hundreds_of_experiments_takes_seconds(results):
    """The pictures of three hundred used to take a minute; here thirty have those of as many."""
    run = made_run(results, robust=0.4)
    noise = np.random.default_rng(0).integers(0, 256, (400, 800, 3), np.uint8)
    for name in "abcdefghijklmnop":
        Image.fromarray(noise).save(run.path / "figures" / f"{name}.png")
    for net in range(30):
        shutil.copytree(run.path, results / f"net_{net}" / run.path.name)
    runs = [open_run(path) for path in sorted(results.glob("*/*"))]
    began = time.process_time()
    page = report(runs, results / "report.html")
    assert time.process_time() - began < 10
    assert page.stat().st_size < 3_000_000


def test_seeds_share_pictures_and_show_provenance_where_it_differs(results):
    page, _ = written(results, [made_run(results, seed=seed) for seed in (1, 0, 2)])
    assert page.count("<img") == 1
    assert "Pictures of seed 0" in words(page)
    assert "seed 1: 2.5" in page
    assert page.count("bioexp train small.yaml") == 1


def test_many_eps_stand_below_one_another_so_that_no_table_is_wider_than_its_attacks(results):
    run = made_run(results, robust=0.4)
    clean, *attacked = made_robustness(0.4).rows
    many = [row.model_copy(update={"eps": i / 100}) for row in attacked for i in range(101)]
    records.write(
        run.path / "robustness.json",
        made_robustness(0.4).model_copy(update={"rows": (clean, *many)}),
    )
    vouch_again(run.path)
    page, twin = written(results, [run])
    (table,) = re.findall(r"accuracy under attack against eps.*?</table>", page, re.DOTALL)
    assert words(table.split("<thead>")[1].split("</thead>")[0]) == "eps fgsm pgd worst case"
    assert table.count('<tr><th scope="row"') == 102
    assert '<tr><th scope="row" data-value="0.07">0.07</th>' in table
    assert "| eps | fgsm | pgd | worst case |" in twin
    assert "| 0.07 | 0.500 [0.490, 0.510] | 0.400" in twin


def test_no_runs_and_no_page_are_the_users_errors(results):
    with pytest.raises(UserError, match="no runs to report on"):
        report([], results / "report.html")
    with pytest.raises(UserError, match="names the HTML page"):
        report([made_run(results)], results / "report.md")


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


def test_a_net_without_classes_is_scored_by_its_loss(results):
    page, twin = written(results, [made_run(results, accuracy=None)])
    assert "1 seed on blobs: test loss 0.25 , n = 90 test images" in words(page)
    assert "Test loss 0.25, n = 90 test images." in twin
    assert "test accuracy <strong>" not in page


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
    rows = [
        row.model_copy(update={"runs": ("small/0a1b2c3d4e5f", "gone/11111111")})
        for row in made_claims(results)
    ]
    page, _ = written(results, [made_run(results)], rows)
    assert '<a href="#run-small-0a1b2c3d4e5f">small/0a1b2c3d4e5f</a>, gone/11111111.' in page
    cited = page.split("How to cite")[1].split("</details>")[0]
    assert "A Biophysically Inspired Neural Network" in cited
    assert "2021" in cited


def test_papers_stand_in_the_order_of_the_library_and_a_users_own_comes_last(results):
    rows = [
        made_claim(0, "reproduced", id=f"{paper}/row") for paper in ("mine", "stdp_rule", "log_net")
    ]
    page, _ = written(results, [made_run(results)], rows)
    assert re.findall(r'<section id="(\w+)" aria', page)[:3] == ["log_net", "stdp_rule", "mine"]


def test_without_claims_the_papers_whose_experiments_were_run_are_explained(results):
    page, _ = written(results, [made_run(results, "stdp_mnist")])
    shown = re.findall(r'<section id="(\w+)" aria', page)
    assert "stdp_rule" in shown
    assert "log_net" not in shown


def test_only_the_first_configuration_of_an_experiment_shows_its_pictures_beside_claims(results):
    runs = [made_run(results, identity=identity) for identity in ("0a1b2c3d4e5f", "ffffffffffff")]
    with_claims, _ = written(results, runs, [made_claim(0, "reproduced")])
    without, _ = written(results, runs)
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
