"""The ledger of everything the documents show and claim, and the code that regenerates it, name the same rows."""

from pathlib import Path

import pytest

from bioexp.papers import PAPERS

LEDGER = Path(__file__).with_name("ledger.txt").read_text().split()


@pytest.mark.parametrize("paper", PAPERS.values(), ids=lambda paper: paper.name)
def test_every_row_of_the_ledger_has_a_claim_or_a_figure_and_the_reverse(paper):
    rows = [row for row in LEDGER if row.startswith(f"{paper.name}/")]
    code = [entry.id for entry in (*paper.drawings, *paper.claims)]
    assert sorted(entry for entry in code if not entry.startswith("beyond/")) == sorted(rows)
    assert set(code) <= set(LEDGER)


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
