"""The self-test: attacks and checks on nets whose answer is known, made here in seconds.

A plain net that backprop trained must fall. A net with steep logits, and attacks along a feedback
gradient, must be noticed: a harness that calls these robust has nothing to say of any other net.
"""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bioexp import ops
from bioexp.attacks.fgsm import fgsm
from bioexp.attacks.noise import noise
from bioexp.attacks.pgd import pgd
from bioexp.ops import Linear
from bioexp.robustness.checks import Evidence, Finding, gradient_is_useless, like_noise
from bioexp.robustness.contract import gradient_is_another
from bioexp.robustness.evaluate import Net, evaluate
from bioexp.types import Attack, Params

# Pixels a side, classes, hidden units, images of each class to train on and to attack.
SIDE, CLASSES, HIDDEN, EACH = 12, 4, 32, 50
STEPS, RATE = 100, 0.3
FALLS_AT, LEFT = 0.3, 0.02
FOLLOWED_AT = (0.3, 0.4)  # where noise breaks enough to be compared with
STEEP = 1e4


def self_test_fails(evidence: Evidence) -> Finding:
    """S14: the plain net keeps more than 2 % at eps 0.3, or steep logits or a feedback gradient go
    unnoticed.
    """
    failures = self_test()
    return ((), f"the self-test fails: {'; '.join(failures)}") if failures else None


@cache
def self_test() -> tuple[str, ...]:
    """What the attacks and checks of this version get wrong; once per process."""
    return failures(fgsm(), pgd(steps=20, restarts=1))


def failures(single: Attack, multi: Attack) -> tuple[str, ...]:
    """What these attacks, with the checks, get wrong on the three nets."""
    net, b = plain()
    key = jax.random.key(0)
    found = []
    left = evaluate(net, multi, (FALLS_AT,), key).correct.mean()
    if left > LEFT:
        found.append(f"a plain backprop net keeps {left:.1%} at eps {FALLS_AT}")
    steep = replace(net, apply=_steep)
    if not _red(gradient_is_useless(Evidence(steep, {}))):
        found.append("logits scaled by 10,000 raise no flag")
    fed_back = Net(_fed_back, {**net.params, "b": b}, net.images, net.labels)
    tried = {"noise": noise(draws=5), "fgsm": single}
    outcomes = {name: evaluate(fed_back, each, FOLLOWED_AT, key) for name, each in tried.items()}
    masked = Evidence(fed_back, outcomes)
    if not (_red(like_noise(masked)) and _red(gradient_is_another(masked))):
        found.append("an attack along a feedback gradient raises no flag")
    return tuple(found)


@cache
def plain() -> tuple[Net, Float[np.ndarray, "hidden inputs"]]:
    """A net of one hidden layer that descends its loss on noisy prototypes, with fresh images; and
    feedback weights for it.
    """
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(CLASSES, dtype=np.int32), 2 * EACH)
    prototypes = rng.uniform(0.3, 0.7, (CLASSES, SIDE, SIDE))
    noisy = prototypes[labels] + 0.15 * rng.standard_normal((len(labels), SIDE, SIDE))
    images = np.round(255 * np.clip(noisy, 0, 1)).astype(np.uint8)
    half = len(labels) // 2
    w = {
        "v": rng.normal(0, 1 / SIDE, (HIDDEN, SIDE**2)),
        "w": rng.normal(0, HIDDEN**-0.5, (CLASSES, HIDDEN)),
    }
    params = jax.tree.map(lambda leaf: leaf.astype(np.float32), w)
    x, y = images[:half] / np.float32(255), labels[:half]
    trained = jax.tree.map(np.asarray, _descend(params, x, y))
    return Net(_plain, trained, images[half:], labels[half:]), rng.normal(
        0, 1 / SIDE, (HIDDEN, SIDE**2)
    ).astype(np.float32)


@jax.jit
def _descend(params: Params, x: Float[Array, "n *shape"], y: Array) -> Params:
    def loss(params: Params) -> Array:
        return -jnp.take_along_axis(jax.nn.log_softmax(_plain(params, x)), y[:, None], 1).mean()

    def step(params: Params, _: None) -> tuple[Params, None]:
        return jax.tree.map(lambda w, slope: w - RATE * slope, params, jax.grad(loss)(params)), None

    return jax.lax.scan(step, params, length=STEPS)[0]


def _net(
    params: Params, x: Float[Array, "batch *shape"], first: Linear
) -> Float[Array, "batch classes"]:
    u = first(0, params["v"], x.reshape(len(x), -1) - 0.5)
    return jax.nn.relu(u) @ params["w"].T


def _plain(params: Params, x: Float[Array, "batch *shape"]) -> Float[Array, "batch classes"]:
    return _net(params, x, ops.exact.linear)


def _steep(params: Params, x: Float[Array, "batch *shape"]) -> Float[Array, "batch classes"]:
    return STEEP * _plain(params, x)


def _fed_back(params: Params, x: Float[Array, "batch *shape"]) -> Float[Array, "batch classes"]:
    return _net(params, x, ops.feedback({0: params["b"]}))


def _red(finding: Finding) -> bool:
    return isinstance(finding, tuple)
