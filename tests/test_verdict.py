"""When a claim is reproduced, and when nobody can say."""

from math import inf

import numpy as np
import pytest

from bioexp.measures.verdict import measured, over_images, seeds_to_decide, verdict


@pytest.mark.parametrize(
    ("per_seed", "accepted", "said"),
    [
        ([0.500, 0.501, 0.499], (0.49, 0.51), "reproduced"),
        ([0.500, 0.501, 0.499], (0.6, 0.7), "not reproduced"),
        ([0.500, 0.600, 0.400], (0.49, 0.51), "undecided"),
        ([3.0, 3.1, 2.9], (0.0, inf), "reproduced"),
        ([-3.0, -3.1, -2.9], (0.0, inf), "not reproduced"),
        ([1.0, -1.0, 0.5], (0.0, inf), "undecided"),
        ([0.5, 0.5, 0.5], (0.5, 0.5), "reproduced"),
    ],
)
def test_the_whole_interval_must_lie_within_what_is_accepted_or_outside(per_seed, accepted, said):
    assert verdict(measured(per_seed), accepted) == said


def test_one_seed_has_a_binomial_interval_over_images_or_none():
    assert measured([0.9], 1000).interval == "binomial over 1000 images, 1 seed"
    alone = measured([3.7])
    assert alone.low is None
    assert verdict(alone, (0.0, 10.0)) == "undecided"


def test_what_is_not_finite_decides_nothing():
    assert verdict(measured([np.nan, 1.0, 2.0]), (0.0, 10.0)) == "undecided"


def test_the_seeds_that_would_decide_grow_as_the_bound_comes_near():
    far, near = (seeds_to_decide([0.4, 0.5, 0.6], (bound, inf)) for bound in (0.3, 0.48))
    assert far == 4
    assert near == 100
    assert seeds_to_decide([0.5], (0.0, inf)) is None


def test_one_seed_that_is_measured_image_by_image_has_an_interval_over_images():
    values = np.repeat([1.0, 0.0, -1.0], [300, 600, 100])
    found = over_images(values)
    half = 1.96 * values.std() / len(values) ** 0.5
    assert found.mean == pytest.approx(0.2)
    assert (found.low, found.high) == (
        pytest.approx(0.2 - half, abs=0.01),
        pytest.approx(0.2 + half, abs=0.01),
    )
    assert found.interval == "bootstrap over 1000 images, 1 seed"
    assert over_images(np.ones(5))[:3] == (1, 1, 1)
