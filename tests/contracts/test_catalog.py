"""`bioexp list NAME` explains whatever has a name."""

import re

import pytest
from conftest import ROOT

from bioexp import catalog
from bioexp.papers import papers

NAMES = sorted(
    {
        row.get("name") or row["config"]
        for kind in catalog.kinds()
        if kind != "runs"
        for row in catalog.rows(kind, ROOT)
    }
)
OF_PAPERS = [
    (paper, name)
    for paper in papers().whole.values()
    for name in (*paper.models, *paper.rules, *paper.study.configs)
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_explained_with_its_options_their_ranges_and_its_place(name):
    for thing in catalog.detail(name):
        file, _, line = thing.where.rpartition(":")
        assert (ROOT / file).is_file()
        assert int(line) >= 1
        assert thing.about
        for option in thing.options:
            assert option["type"]
            assert not re.search("typing|annotated|class '", option["type"].lower())
            assert option["default"]


@pytest.mark.parametrize(("paper", "name"), OF_PAPERS, ids=lambda part: getattr(part, "name", part))
def test_what_belongs_to_a_paper_cites_it(paper, name):
    assert all(
        f"{paper.authors} {paper.year}, {paper.title}" in thing.citation
        for thing in catalog.detail(name)
    )
