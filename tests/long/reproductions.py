"""A user's own paper, reproduced by several processes and through kills, ends with the claims of an
undisturbed run. `make kills` does the same to one of bioexp's papers, at length.
"""

import random

from conftest import ROOT
from kills.__main__ import Case, claims, finished, tried

WORDS = ("reproduce", str(ROOT / "configs" / "examples" / "my_paper.py:PAPER"), "--seeds", "2")


def test_kills_at_any_moment_change_nothing(tmp_path):
    count, different = tried(Case(WORDS, weight=1), 2, tmp_path, random.Random(0))
    assert (count, different) == (2, [])
    assert not list(tmp_path.rglob("state.npz"))


def test_a_launched_reproduction_ends_with_the_claims_of_a_plain_one(tmp_path):
    launched = tmp_path / "launched"
    launched.mkdir()
    finished(WORDS, tmp_path)
    finished((*WORDS, "--launch", "local", "--workers", "2"), launched)
    assert claims(launched / "results/claims.json") == claims(tmp_path / "results/claims.json")
    assert list((launched / "results/.launch").glob("*/worker0.log"))
