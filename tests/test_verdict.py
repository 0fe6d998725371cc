"""When a claim is reproduced, and when nobody can say; how values of seeds become an interval."""

from math import inf

import numpy as np
import pytest
from scipy import stats

from bioexp.measures.estimators import (
    Estimate,
    against,
    exact,
    mean,
    median,
    over_images,
    prediction,
    share,
)
from bioexp.measures.verdict import Part, all_of, holm, seeds_to_decide, verdict


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
        ([np.nan, 1.0, 2.0], (0.0, 10.0), "undecided"),
        ([3.7], (0.0, 10.0), "undecided"),
    ],
)
def test_the_whole_interval_must_lie_within_what_is_accepted_or_outside(per_seed, accepted, said):
    assert verdict(mean.estimate(per_seed, 0.95), accepted) == said


def test_the_interval_of_a_mean_is_that_of_students_t():
    values = [0.3, 0.5, 0.6, 0.9]
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean.estimate(values, 0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert prediction(values)[0] < found.low
    assert prediction([0.5]) is None


def test_the_interval_of_a_median_holds_it_in_95_of_100_samples_whatever_the_distribution():
    rng = np.random.default_rng(0)
    found = [median.estimate(list(rng.exponential(size=15)), 0.95) for _ in range(2000)]
    held = np.mean([estimate.low <= np.log(2) <= estimate.high for estimate in found])
    assert 0.95 <= held < 0.99  # order statistics cannot hit a level, only keep it
    assert median.estimate([1.0, 2.0, 3.0, 4.0, 5.0], 0.95).low is None
    assert median.estimate([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.95)[:3] == (3.5, 1, 6)


def test_a_share_of_seeds_has_clopper_and_pearsons_interval():
    found = share.estimate([1.0] * 18 + [0.0] * 2, 0.95)
    expected = stats.binomtest(18, 20).proportion_ci(0.95, "exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    with pytest.raises(ValueError, match="must be 0 or 1"):
        share.estimate([0.5, 1.0], 0.95)


def test_what_is_the_same_for_every_seed_has_no_interval_over_seeds():
    assert exact.estimate([0.7, 0.7], 0.95)[:3] == (0.7, 0.7, 0.7)
    with pytest.raises(ValueError, match="seeds differ"):
        exact.estimate([0.7, 0.8], 0.95)


def test_against_a_published_mean_the_test_is_welchs():
    ours, theirs = [0.80, 0.84, 0.79, 0.88], np.array([0.70, 0.75, 0.81, 0.72, 0.69])
    found = against(float(theirs.mean()), float(theirs.std(ddof=1)), 5).estimate(ours, 0.95)
    expected = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_holm_decides_what_its_step_down_of_p_values_rejects():
    rng = np.random.default_rng(1)
    for _ in range(50):
        parts = [
            Part(list(rng.normal(rng.uniform(0, 2), 1, size=8)), mean, (0.0, inf)) for _ in range(4)
        ]
        order = np.argsort([stats.ttest_1samp(part.values, 0).pvalue for part in parts])
        rejected = set()
        for k, at in enumerate(order):
            if stats.ttest_1samp(parts[at].values, 0).pvalue > 0.05 / (len(parts) - k):
                break
            rejected.add(int(at))
        said = holm(parts)
        assert {at for at, one in enumerate(said) if one != "undecided"} == rejected


def test_a_claim_of_several_parts_fails_with_one_and_holds_with_all():
    assert all_of(["reproduced", "reproduced"]) == "reproduced"
    assert all_of(["reproduced", "undecided"]) == "undecided"
    assert all_of(["undecided", "not reproduced"]) == "not reproduced"


def test_the_seeds_that_would_decide_are_counted_for_the_estimator_in_use():
    far, near = (
        seeds_to_decide([Part([0.4, 0.5, 0.6], mean, (bound, inf))]) for bound in (0.3, 0.48)
    )
    assert far == 4
    for seeds, decides in ((near, True), (near - 1, False)):
        half = stats.t.ppf(0.975, seeds - 1) * 0.1 / seeds**0.5
        assert (half <= 0.02) == decides
    assert seeds_to_decide([Part([0.5, 0.5, 0.501], mean, (0.5003333, inf))]) is None
    share_of = seeds_to_decide([Part([1.0, 1.0, 1.0, 0.0], share, (0.5, 1.0))])
    assert stats.binomtest(round(0.75 * share_of), share_of).proportion_ci(0.95).low >= 0.5
    assert seeds_to_decide([Part([1.0, 2.0, 3.0, 4.0, 5.0], median, (0.5, inf))]) == 6


def test_what_is_measured_image_by_image_has_an_interval_over_images_and_seeds():
    values = np.repeat([1.0, 0.0, -1.0], [300, 600, 100])
    found = over_images(values[None])
    half = 1.96 * values.std() / len(values) ** 0.5
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - half, abs=0.01)
    assert found.high == pytest.approx(0.2 + half, abs=0.01)
    assert found.over == "bootstrap over images, 1 seed, 1000 images"
    assert over_images(np.ones((1, 5)))[:3] == (1, 1, 1)
    apart = over_images(values[None] + np.array([[-0.3], [0.0], [0.3]]))
    assert apart.over == "bootstrap over seeds and images, 3 seeds, 1000 images"
    assert apart.high - apart.low > 3 * (found.high - found.low)


def test_an_estimate_reads_as_its_value():
    assert f"{Estimate(0.1234, 0.1, 0.2, ''):.2f}" == "0.12"
