"""A user's own paper, reproduced by several processes and through kills, ends with the claims of an
undisturbed run. `make kills` does the same to one of bioexp's papers, at length.
"""

from conftest import ROOT
from kills.__main__ import claims, finish, killed

WORDS = [str(ROOT / "configs" / "examples" / "my_paper.py:PAPER"), "--seeds", "2"]


def test_kills_at_any_moment_change_nothing(tmp_path):
    """A small `make kills`: a user's own paper, killed a few times, ends with the same claims."""
    finish(WORDS, tmp_path / "plain")
    assert killed(WORDS, tmp_path / "disturbed", [1.0, 4.0]) > 0
    finish(WORDS, tmp_path / "disturbed")
    assert claims(tmp_path / "disturbed") == claims(tmp_path / "plain")
    assert not list((tmp_path / "disturbed").rglob("state.npz"))


def test_a_launched_reproduction_ends_with_the_claims_of_a_plain_one(tmp_path):
    finish(WORDS, tmp_path / "plain")
    finish([*WORDS, "--launch", "local", "--workers", "2"], tmp_path / "launched")
    assert claims(tmp_path / "launched") == claims(tmp_path / "plain")
    assert list((tmp_path / "launched/.launch").glob("*/worker0.log"))
