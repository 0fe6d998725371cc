"""Lines through clusters, the angles between them, what is left across them, and the line that
separates two clusters.
"""

import numpy as np
import pytest

from bioexp.measures.line_fits import (
    Line,
    angle,
    clusters,
    fit_line,
    pair,
    pairs,
    residuals,
    separate,
    structure,
)

RNG = np.random.default_rng(0)


def cluster(
    slope: float, center: tuple[float, float], noise: float = 0.0, n: int = 200
) -> np.ndarray:
    along, across = RNG.normal(size=n), noise * RNG.normal(size=n)
    direction = np.array([1, slope]) / np.hypot(1, slope)
    return (
        np.array(center)
        + along[:, None] * direction
        + across[:, None] * np.array([-direction[1], direction[0]])
    )


def test_points_on_a_line_give_back_its_slope():
    line = fit_line(cluster(-2.0, (3, 1)))
    assert line.slope == pytest.approx(-2)
    assert line.r2 == pytest.approx(1)
    assert np.hypot(*line.direction) == pytest.approx(1)


def test_swapping_the_coordinates_inverts_the_slope():
    points = cluster(0.5, (0, 0), noise=0.3)
    assert fit_line(points[:, ::-1]).slope == pytest.approx(1 / fit_line(points).slope)


def test_no_other_direction_has_smaller_residuals():
    points = cluster(1.3, (1, 2), noise=0.4)
    line = fit_line(points)

    def squares(turn: float) -> float:
        c, s = np.cos(turn), np.sin(turn)
        turned = line._replace(direction=np.array([[c, -s], [s, c]]) @ line.direction)
        return float((residuals(turned, points)[1] ** 2).sum())

    assert all(squares(0) < squares(turn) for turn in (-0.5, -0.01, 0.01, 0.5))


def test_a_round_blob_has_no_r2_and_an_upright_line_an_infinite_slope():
    assert fit_line(RNG.normal(size=(5000, 2))).r2 < 0.01
    upright = fit_line(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]))
    assert upright.slope == float("inf") or abs(upright.slope) > 1e12
    assert upright.r2 == 0


@pytest.mark.parametrize("degrees", [0, 30, 90])
def test_the_angle_between_lines_ignores_which_way_they_point(degrees):
    radians = np.radians(degrees)
    first = Line(np.zeros(2), np.array([1.0, 0.0]), 1)
    for sign in (1, -1):
        second = Line(np.ones(2), sign * np.array([np.cos(radians), np.sin(radians)]), 1)
        assert angle(first, second) == pytest.approx(degrees, abs=1e-5)


def test_residuals_along_and_across_rebuild_the_points():
    points = cluster(0.7, (4, -1), noise=0.5)
    line = fit_line(points)
    along, across = residuals(line, points)
    left = np.array([-line.direction[1], line.direction[0]])
    np.testing.assert_allclose(
        line.center + along[:, None] * line.direction + across[:, None] * left, points
    )
    assert abs(np.corrcoef(along, across)[0, 1]) < 1e-9


def test_structure_is_small_for_random_residuals_and_large_for_a_curve():
    along = RNG.uniform(-1, 1, size=5000)
    assert structure(along, RNG.normal(size=5000)) < 0.01
    assert structure(along, along**2) > 0.95
    assert structure(along, np.zeros(5000)) == 0


def test_clusters_that_do_not_touch_are_separated_without_error():
    first, second = cluster(1, (0, 3), noise=0.1), cluster(1, (3, 0), noise=0.1)
    separator = separate(first, second)
    assert separator.accuracy(first, second) == 1
    assert separator.normal[0] > 0 > separator.normal[1]


def test_the_separating_line_is_the_one_scikit_learn_finds():
    from sklearn.linear_model import LogisticRegression

    first, second = cluster(1, (0, 1), noise=0.8), cluster(0.5, (1, 0), noise=0.8)
    ours = separate(first, second)
    theirs = LogisticRegression(C=1e6, tol=1e-8).fit(
        np.concatenate([first, second]), np.repeat([0, 1], 200)
    )
    np.testing.assert_allclose(
        np.append(ours.normal, ours.offset),
        np.append(theirs.coef_[0], theirs.intercept_),
        rtol=1e-3,
    )


def test_two_identical_clusters_cannot_be_separated():
    same = cluster(1, (0, 0), noise=1)
    assert separate(same, same).accuracy(same, same) == pytest.approx(0.5)


def test_a_pair_looks_at_its_own_columns_and_labels_only():
    values, labels = RNG.normal(size=(300, 3)), np.arange(300) % 3
    spoiled = np.where((labels == 1)[:, None] | (np.arange(3) == 1), 1e6, values)
    assert pair(values, labels, 0, 2).angle == pytest.approx(pair(spoiled, labels, 0, 2).angle)
    assert [fitted.labels for fitted in pairs(values, labels)] == [(0, 1), (0, 2), (1, 2)]
    first, second = clusters(values, labels, 2, 0)
    np.testing.assert_array_equal(first, values[labels == 2][:, [2, 0]])
    np.testing.assert_array_equal(second, values[labels == 0][:, [2, 0]])
