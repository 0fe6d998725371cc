"""How many bits a layer's activity tells of a label, and how far each estimate can be trusted.

A layer's activity becomes a string of bits, one a unit; strings are counted as 64-bit words. With
fewer images than strings the plug-in estimate says little but that the strings are unique: beside
it belong what shuffled labels give (`shuffled`), the most it could be (`ceiling`), estimates that
correct the bias (Miller-Madow, Grassberger), and what a decoder can prove from images it has not
seen (`decoded`). All in bits; n from some hundred to the 70,000 images of a data set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Integer, Key, UInt64

Threshold = Literal["row_mean", "half"]
Codes = UInt64[np.ndarray, "n"]
Labels = Integer[np.ndarray, "n"]
Entropy = Callable[[Codes], float]

ODD = (
    0x9E3779B97F4A7C15,
    0xBF58476D1CE4E5B9,
)  # 64-bit multipliers of splitmix64 (Steele, Lea & Flood 2014)


def binarized(
    activity: Float[np.ndarray, "n units"], threshold: Threshold = "row_mean"
) -> Bool[np.ndarray, "n units"]:
    """A bit for each unit and image.

    threshold: 1 where the unit is at least the mean |activity| of its layer for that image
        (row_mean), or at least 0.5 (half).
    """
    return activity >= (
        np.abs(activity).mean(axis=1, keepdims=True) if threshold == "row_mean" else 0.5
    )


def packed(bits: Bool[np.ndarray, "n units"]) -> Codes:
    """Each row of bits as one 64-bit word: the bits themselves up to 64 units, a hash of them
    beyond.

    Two different rows of n share a hash with a probability of about n^2 / 2^65, 3e-10 for 100,000.
    """
    octets = np.packbits(bits, axis=1)
    padded = np.zeros((len(bits), -(-octets.shape[1] // 8) * 8), np.uint8)
    padded[:, : octets.shape[1]] = octets
    words = padded.view(np.uint64)
    code = words[:, 0].copy()
    for word in words.T[1:]:
        code = _mixed(code) ^ word
    return code


def jointly(first: Codes, second: Labels) -> Codes:
    """One word for each pair."""
    return _mixed(first) ^ second.astype(np.uint64)


def _mixed(code: Codes) -> Codes:
    """A bijection of 64-bit words that leaves no bit where it was."""
    code = (code ^ (code >> np.uint64(30))) * np.uint64(ODD[0])
    code = (code ^ (code >> np.uint64(27))) * np.uint64(ODD[1])
    return code ^ (code >> np.uint64(31))


# Entropies of strings, from how often each occurs.


def counts(codes: Integer[np.ndarray, "n"]) -> Int[np.ndarray, "strings"]:
    """How often each string occurs."""
    return np.unique(codes, return_counts=True)[1]


def plug_in(codes: Integer[np.ndarray, "n"]) -> float:
    """H = -sum p log2 p of the observed shares p; too small by about (strings - 1) / (2 n ln 2)."""
    share = counts(codes) / len(codes)
    return float(-(share * np.log2(share)).sum())


def miller_madow(codes: Integer[np.ndarray, "n"]) -> float:
    """The plug-in entropy with the first-order bias added back (Miller 1955)."""
    return plug_in(codes) + (len(counts(codes)) - 1) / (2 * len(codes) * np.log(2))


def grassberger(codes: Integer[np.ndarray, "n"]) -> float:
    """H = log n - 1/n sum_i n_i G(n_i), G(m) = psi(m) + (-1)^m/2 (psi((m+1)/2) - psi(m/2))
    (Grassberger 2003, eq. 29).
    """
    from scipy.special import digamma

    occurs, times = np.unique(counts(codes), return_counts=True)
    g = digamma(occurs) + 0.5 * (-1.0) ** occurs * (digamma((occurs + 1) / 2) - digamma(occurs / 2))
    return float((np.log(len(codes)) - (times * occurs * g).sum() / len(codes)) / np.log(2))


def conditional(y: Codes, x: Labels, entropy: Entropy = plug_in) -> float:
    """H(Y|X) = H(X, Y) - H(X)."""
    return entropy(jointly(y, x)) - entropy(x)


def mutual(y: Codes, x: Labels, entropy: Entropy = plug_in) -> float:
    """I(X, Y) = H(Y) - H(Y|X)."""
    return entropy(y) - conditional(y, x, entropy)


# What an estimate is to be held against.


def shuffled(
    measure: Callable[[Codes, Labels], float], y: Codes, x: Labels, times: int = 5
) -> float:
    """The measure with the labels dealt out anew, mean over `times` deals: of I, what is bias
    alone.
    """
    deal = np.random.default_rng(len(y))
    return float(np.mean([measure(y, deal.permutation(x)) for _ in range(times)]))


def ceiling(x: Labels, units: int) -> float:
    """The most that plug-in I can be: H(X), when every string is unique, or one bit a unit."""
    return min(plug_in(x), float(units))


def conditional_ceiling(x: Labels, units: int) -> float:
    """The most that plug-in H(Y|X) can be: every image of a label with a string of its own."""
    share = counts(x) / len(x)
    return float((share * np.minimum(np.log2(counts(x)), units)).sum())


def too_few(n: int, units: int) -> str:
    """A warning where there are more strings than images, else nothing."""
    return (
        f"{units} bits make more strings than the {n:,} images: estimates are near their ceilings"
        if 2**units > n
        else ""
    )


def decoded(
    bits: Bool[np.ndarray, "nets n units"],
    x: Labels,
    unseen: Bool[np.ndarray, "nets m units"],
    unseen_x: Integer[np.ndarray, "m"],
    *,
    hidden: int = 64,
    steps: int = 600,
    batch_size: int = 500,
) -> Float[np.ndarray, "nets"]:
    """A lower bound on I(X, Y): H(X) less the cross-entropy, on unseen images, of a small net that
    reads the bits.

    Holds for any decoder (up to the chance of which images are unseen); how close it is depends on
    the decoder. One for each of the nets, trained together by Adam, at a rate that falls to 0.
    """
    classes = int(max(x.max(), unseen_x.max())) + 1
    order = np.random.default_rng(0).integers(0, len(x), (steps, batch_size))
    signs, unseen_signs = (jnp.asarray(2.0 * some - 1.0, jnp.float32) for some in (bits, unseen))
    keys = jax.random.split(jax.random.key(0), len(bits))
    losses = _decoders(
        classes,
        hidden,
        keys,
        signs,
        jnp.asarray(x),
        unseen_signs,
        jnp.asarray(unseen_x),
        jnp.asarray(order),
    )
    return plug_in(unseen_x) - np.asarray(losses, dtype=np.float64) / np.log(2)


@partial(jax.jit, static_argnums=(0, 1))
def _decoders(
    classes: int,
    hidden: int,
    keys: Key[Array, "nets"],
    signs: Float[Array, "nets n units"],
    x: Int[Array, "n"],
    unseen: Float[Array, "nets m units"],
    unseen_x: Int[Array, "m"],
    order: Int[Array, "steps batch"],
) -> Float[Array, "nets"]:
    """The unseen cross-entropy of each net's decoder, in nats."""
    import optax

    rule = optax.adam(optax.cosine_decay_schedule(5e-3, len(order)))

    def cross_entropy(
        params: Sequence[Array], signs: Float[Array, "some units"], x: Int[Array, "some"]
    ) -> Float[Array, ""]:
        v, a, w, b = params
        logits = jax.nn.relu(signs @ v + a) @ w + b
        return optax.softmax_cross_entropy_with_integer_labels(logits, x).mean()

    def one(
        key: Key[Array, ""], signs: Float[Array, "n units"], unseen: Float[Array, "m units"]
    ) -> Float[Array, ""]:
        first = jax.random.normal(key, (signs.shape[1], hidden)) / signs.shape[1] ** 0.5
        params = (first, jnp.zeros(hidden), jnp.zeros((hidden, classes)), jnp.zeros(classes))

        def step(carry, rows):
            params, state = carry
            updates, state = rule.update(
                jax.grad(cross_entropy)(params, signs[rows], x[rows]), state
            )
            return (optax.apply_updates(params, updates), state), None

        (params, _), _ = jax.lax.scan(step, (params, rule.init(params)), order)
        return cross_entropy(params, unseen, unseen_x)

    return jax.vmap(one)(keys, signs, unseen)
