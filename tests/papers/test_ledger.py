"""The ledger of everything the documents show and claim, and the code that regenerates it, name the
same rows.
"""

from pathlib import Path

import pytest
from conftest import ROOT

from bioexp.config.lookup import rules
from bioexp.config.reading import load
from bioexp.papers import BROKEN, PAPERS
from bioexp.papers.beyond.figures import BY_DATASET

LEDGER = Path(__file__).with_name("ledger.txt").read_text().split()


def rows(papers):
    return [entry.id for paper in papers for entry in (*paper.drawings, *paper.claims)]


@pytest.mark.parametrize("paper", PAPERS.values(), ids=lambda paper: paper.name)
def test_a_paper_has_every_row_of_its_part_of_the_ledger_and_no_other(paper):
    own = [row for row in rows([paper]) if not row.startswith("beyond/")]
    assert sorted(own) == sorted(
        row for row in LEDGER if row.startswith(f"{paper.name}/") and paper.name != "beyond"
    )


def test_every_row_of_the_ledger_has_exactly_one_claim_or_figure_and_the_reverse():
    assert sorted(rows(PAPERS.values())) == sorted(LEDGER)


def test_every_row_beyond_the_documents_is_drawn_by_exactly_one_paper():
    drawn = [row for row in rows(PAPERS.values()) if row.startswith("beyond/")]
    assert sorted(drawn) == sorted(row for row in LEDGER if row.startswith("beyond/"))


def test_no_papers_module_is_broken():
    assert BROKEN == {}


def test_every_rule_is_compared_on_every_dataset():
    """But dealt_backprop, which on images with one label each is backprop."""
    experiments = [
        one for config in BY_DATASET for one in load(ROOT / "configs" / f"{config}.yaml")
    ]
    by_dataset = {
        name: {one.stages[0].rule.name for one in experiments if one.dataset.name == name}
        for name in ("mnist", "fashion_mnist")
    }
    assert by_dataset == {name: set(rules()) - {"dealt_backprop"} for name in by_dataset}


@pytest.mark.parametrize("paper", PAPERS.values(), ids=lambda paper: paper.name)
def test_a_claim_says_why_it_may_fail_and_needs_only_configs_of_its_paper(paper):
    for claim in paper.claims:
        assert set(claim.configs) <= set(paper.configs)
        assert claim.accepted[0] <= claim.accepted[1]
        if claim.expected is not None:
            assert claim.accepted[0] <= claim.expected <= claim.accepted[1]
            assert abs(sum(claim.accepted) / 2 - claim.expected) < 1e-9
    for drawing in paper.drawings:
        assert set(drawing.configs) <= set(paper.configs)
