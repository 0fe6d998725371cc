"""The ledger of what the papers show and claim, and the code that regenerates it, name the same
rows.
"""

from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from bioexp.claims.notes import OWN, notes_of
from bioexp.claims.plan import needed
from bioexp.config.lookup import rules
from bioexp.config.reading import load
from bioexp.measures.estimators import Estimate
from bioexp.papers import papers, studies
from bioexp.papers.beyond.measures import BY_DATASET
from bioexp.papers.paper import Numbers, fails, holds

LEDGER = Path(__file__).with_name("ledger.txt").read_text().split()
STUDIES = studies()


def names_of(study):
    """The experiments that its configs hold."""
    files = [ROOT / "configs" / f"{config}.yaml" for config in study.configs]
    return {experiment.name for file in files for experiment in load(file)}


def test_every_row_of_the_ledger_is_one_claim_or_figure_and_the_reverse():
    """Rows beyond the papers may be drawn by the paper that they extend."""
    rows = {
        name: [row.id for row in (*study.drawings, *study.overviews, *study.claims)]
        for name, study in STUDIES.items()
    }
    assert sorted(row for own in rows.values() for row in own) == sorted(LEDGER)
    foreign = {row for name, own in rows.items() for row in own if not row.startswith(f"{name}/")}
    assert {row.partition("/")[0] for row in foreign} == {"beyond"}


def test_no_papers_module_is_broken():
    assert papers().broken == {}
    assert set(papers().whole) == set(STUDIES) - {"beyond"}


def test_every_rule_is_compared_on_every_dataset():
    """But dealt_backprop, which on images with one label each is backprop."""
    experiments = load(ROOT / "configs" / "rule_by_dataset.yaml")
    assert {experiment.name for experiment in experiments} == set(BY_DATASET)
    by_dataset = {
        name: {
            experiment.stages[0].rule.name
            for experiment in experiments
            if experiment.dataset.name == name
        }
        for name in ("mnist", "fashion_mnist")
    }
    assert by_dataset == {name: set(rules()) - {"dealt_backprop"} for name in by_dataset}


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.name)
def test_rows_look_at_experiments_that_the_studys_configs_hold(study):
    known = names_of(study)
    assert set(needed(study)) <= known
    for names in (study.attacked, study.repeated, study.single, study.full, study.full.values()):
        assert set(names) <= known


CLAIMS = [claim for study in STUDIES.values() for claim in study.claims]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_can_fail_says_why_it_would_and_is_measured_against_the_papers_number(claim):
    low, high = claim.accepted
    assert low < high
    assert (low, high) != (float("-inf"), float("inf"))
    assert claim.measured
    if not claim.timing:
        assert claim.notes, "what is said of it"
    if claim.expected is not None:
        assert low < claim.expected < high
        assert abs((low + high) / 2 - claim.expected) < 1e-9
    words = [control.what for control in claim.controls]
    assert len(set(words)) == len(words)


# Papers whose rows a referee has been through.
REFEREED = ("log_net", "spatial_nets", "stdp_rule", "competing_hidden_units")
SOUND = [claim for claim in CLAIMS if claim.id.partition("/")[0] in REFEREED]


def drawn_numbers(claim, rng):
    """Numbers of a row as they might have been, of any size and sign."""
    beside = [*claim.controls, *claim.parts, *claim.readings]
    names = {other.name for other in beside if other.name}
    names |= {claim.null.name or "null"} if claim.null else set()

    def estimate():
        value = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-4, 3))
        half = float(rng.uniform(0, 2) * abs(value))  # often 0 is inside
        return Estimate(value, value - half, value + half, "")

    named = {name: estimate() for name in sorted(names | {OWN})}
    verdict = str(rng.choice(["reproduced", "not reproduced", "undecided", "holds trivially"]))
    return Numbers(verdict, claim.expected, named)


@pytest.mark.parametrize("claim", SOUND, ids=lambda claim: claim.id)
def test_every_sentence_on_a_claim_changes_or_vanishes_with_its_numbers(claim):
    rng = np.random.default_rng(0)
    drawn = [drawn_numbers(claim, rng) for _ in range(300)]
    for note in claim.notes:
        said = {tuple(notes_of([note], numbers)) for numbers in drawn}
        assert len(said) > 1, f"is said whatever was measured, or never: {note.text}"


@pytest.mark.parametrize("claim", SOUND, ids=lambda claim: claim.id)
def test_what_is_said_of_a_claim_is_made_from_its_numbers(claim):
    """Or is said under a condition that is measured; that it holds or fails is its verdict."""
    for note in claim.notes:
        assert "{" in note.text or note.when not in (None, fails, holds), note.text


@pytest.mark.parametrize("claim", SOUND, ids=lambda claim: claim.id)
def test_a_claim_is_measured_where_it_cannot_be_true_or_says_that_it_cannot_fail(claim):
    assert claim.timing or claim.null or claim.trivial or claim.fitted
