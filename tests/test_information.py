"""Bits and what they tell: known tables give their exact values, independent variables nothing but
the stated bias.
"""

import time

import numpy as np
import pytest

from bioexp.measures import information as info

RNG = np.random.default_rng(0)


def draw(table, n):
    """n pairs (y, x) from a joint table p[y, x]."""
    cells = RNG.choice(table.size, n, p=table.ravel())
    return (cells // table.shape[1]).astype(np.uint64), (cells % table.shape[1]).astype(np.int32)


def exactly(table):
    """Every cell of a joint table of counts, as often as it says."""
    y, x = (np.repeat(axis.ravel(), table.ravel()) for axis in np.indices(table.shape))
    return y.astype(np.uint64), x.astype(np.int32)


@pytest.mark.parametrize("units", [1, 5, 8, 63, 64, 65, 120, 200])
def test_packed_words_tell_apart_what_strings_tell_apart(units):
    bits = RNG.random((400, units)) < 0.5 if units > 8 else RNG.random((400, units)) < 0.2
    bits[200:] = bits[RNG.integers(0, 200, 200)]
    strings = np.asarray(["".join("01"[int(bit)] for bit in row) for row in bits])
    assert sorted(info.counts(info.packed(bits))) == sorted(
        np.unique(strings, return_counts=True)[1]
    )
    _, by_string = np.unique(strings, return_inverse=True)
    _, by_code = np.unique(info.packed(bits), return_inverse=True)
    assert len(set(zip(by_string, by_code, strict=True))) == len(set(by_string))


def test_a_known_joint_table_gives_its_exact_information():
    counts = np.asarray([[8, 0, 2], [1, 6, 3]])
    y, x = exactly(counts)
    p = counts / counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = p * np.log2(p / p.sum(axis=1, keepdims=True) / p.sum(axis=0, keepdims=True))
    np.testing.assert_allclose(info.mutual(y, x), np.nansum(terms), rtol=1e-12)
    np.testing.assert_allclose(
        info.conditional(y, x) + info.plug_in(x), info.plug_in(info.jointly(y, x)), rtol=1e-12
    )


def test_a_copy_of_the_label_tells_all_of_it_and_a_constant_nothing():
    x = np.arange(256, dtype=np.int32) % 10
    np.testing.assert_allclose(info.mutual(x.astype(np.uint64), x), info.plug_in(x))
    assert abs(info.mutual(np.zeros(256, np.uint64), x)) < 1e-12
    np.testing.assert_allclose(
        info.mutual(np.arange(256, dtype=np.uint64), x), info.ceiling(x, 120)
    )
    np.testing.assert_allclose(
        info.conditional(np.arange(256, dtype=np.uint64), x), info.conditional_ceiling(x, 120)
    )


@pytest.mark.parametrize("n", [256, 4000, 70_000])
def test_independent_variables_tell_nothing_but_the_stated_bias(n):
    """Plug-in I of independent variables is about (strings - 1)(labels - 1) / (2 n ln 2); the
    corrected ones remove most of it.
    """
    pairs = [
        (RNG.integers(0, 8, n).astype(np.uint64), RNG.integers(0, 4, n).astype(np.int32))
        for _ in range(20)
    ]
    bias = 7 * 3 / (2 * n * np.log(2))
    assert 0.8 * bias < np.mean([info.mutual(y, x) for y, x in pairs]) < 1.2 * bias
    assert 0.8 * bias < np.mean([info.shuffled(info.mutual, y, x) for y, x in pairs]) < 1.2 * bias
    for corrected in (info.miller_madow, info.grassberger):
        assert abs(np.mean([info.mutual(y, x, corrected) for y, x in pairs])) < 0.4 * bias


@pytest.mark.parametrize(
    ("entropy", "closer_than"), [(info.miller_madow, 0.6), (info.grassberger, 0.4)]
)
def test_a_corrected_entropy_is_nearer_to_the_true_one(entropy, closer_than):
    found = [
        (info.plug_in(codes), entropy(codes))
        for codes in RNG.integers(0, 64, (50, 100)).astype(np.uint64)
    ]
    plain, better = np.abs(np.mean(found, axis=0) - 6.0)
    assert better < closer_than * plain


def test_grassberger_is_its_equation():
    from scipy.special import digamma

    codes = np.repeat(np.arange(4), [5, 2, 1, 1]).astype(np.uint64)
    slow = np.log(9)
    for m in (5, 2, 1, 1):
        slow -= m / 9 * (digamma(m) + 0.5 * (-1) ** m * (digamma((m + 1) / 2) - digamma(m / 2)))
    np.testing.assert_allclose(info.grassberger(codes), slow / np.log(2))


def test_bits_are_compared_with_their_own_images_mean_or_with_one_half():
    activity = np.asarray([[0.2, 0.4, -0.9], [0.6, 0.5, 0.1]])
    assert info.binarized(activity).tolist() == [[False, False, False], [True, True, False]]
    assert info.binarized(activity, "half").tolist() == [[False, False, False], [True, True, False]]


def test_more_bits_than_images_are_warned_of():
    assert "120 bits" in info.too_few(256, 120)
    assert info.too_few(256, 5) == ""


def test_a_decoder_proves_no_more_than_there_is_and_most_of_what_is_plain():
    table = np.asarray([[0.4, 0.1], [0.1, 0.4]])
    true = 1 - (-0.8 * np.log2(0.8) - 0.2 * np.log2(0.2))
    (y, x), (unseen, unseen_x) = draw(table, 3000), draw(table, 3000)
    bits, unseen = (
        (np.stack([some, 1 - some, RNG.integers(0, 2, 3000)], axis=1) == 1)[None]
        for some in (y, unseen)
    )
    (found,) = info.decoded(bits, x, unseen, unseen_x, hidden=4, steps=200, batch_size=200)
    assert 0.5 * true < found < true + 0.05


def test_ten_thousand_images_of_120_bits_take_milliseconds():
    """At most 5 ms where nothing else runs; the bar here catches another order of magnitude."""
    bits, x = RNG.random((10_000, 120)) < 0.5, RNG.integers(0, 10, 10_000).astype(np.int32)
    best = min(_timed(lambda: info.counts(info.packed(bits))) for _ in range(10))
    assert best < 0.05, best
    assert min(_timed(lambda: info.mutual(info.packed(bits), x)) for _ in range(5)) < 0.2


def _timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
