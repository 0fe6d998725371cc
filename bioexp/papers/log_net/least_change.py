"""The least Euclidean change of an image that fools a net, as the paper makes it: by gradients
added to the image; and whether these changes look like the class that the net then finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from bioexp.attacks.deepfool import deepfool
from bioexp.experiment import Trained
from bioexp.papers.measuring import means, paired, pixels, predictions
from bioexp.papers.paper import Evidence, Measure
from bioexp.robustness.perturbation import gradient_ascent
from bioexp.types import Params

ATTACKED = 500  # test images
HALVINGS = 8  # of the interval in which the least length lies
LONGEST = 20.0  # an image of MNIST is about 9 long


class Least(NamedTuple):
    """The least length found for each of the first test images, infinite where the net is wrong
    without any change; the images so changed, in [0, 1]; and the class that the net finds then.
    """

    length: Float[np.ndarray, "n"]
    images: Float[np.ndarray, "n inputs"]
    found: Int[np.ndarray, "n"]


def least(trained: Trained) -> Least:
    """By DeepFool and by gradient ascent in a ball whose radius is halved eight times, whichever is
    shorter.
    """
    data = trained.dataset
    x = jnp.asarray(data.x_test[:ATTACKED], jnp.float32) / 255
    y = jnp.asarray(data.y_test[:ATTACKED])
    right = predictions(trained)[:ATTACKED] == data.y_test[:ATTACKED]
    length, images, found = _search(trained.model.apply, trained.params, x, y)
    return Least(
        np.where(right, np.asarray(length, np.float64), np.inf),
        np.asarray(images, np.float64).reshape(len(right), -1),
        np.asarray(found),
    )


@partial(jax.jit, static_argnums=0)
def _search(
    apply: object, params: Params, x: Float[Array, "n *shape"], y: Int[Array, "n"]
) -> tuple[Float[Array, "n"], Float[Array, "n *shape"], Int[Array, "n"]]:
    def logits(image: Float[Array, "*shape"]) -> Float[Array, "classes"]:
        return apply(params, image[None])[0][0]  # type: ignore[operator]

    nearest, ascent, key = deepfool(), gradient_ascent(), jax.random.key(0)

    def of_one(
        image: Float[Array, "*shape"], label: Int[Array, ""]
    ) -> tuple[Float[Array, ""], Float[Array, "*shape"], Int[Array, ""]]:
        def fooled(changed: Float[Array, "*shape"]) -> Array:
            return logits(changed).argmax() != label

        first = nearest.perturb(logits, image, label, jnp.float32(0), key)
        start = jnp.where(fooled(first), jnp.linalg.norm(first - image), LONGEST)

        def halve(
            _: int | Int[Array, ""], state: tuple[Array, Array, Array]
        ) -> tuple[Array, Array, Array]:
            low, high, best = state
            middle = (low + high) / 2
            changed = ascent.perturb(logits, image, label, middle, key)
            hit = fooled(changed)
            return (
                jnp.where(hit, low, middle),
                jnp.where(hit, jnp.minimum(middle, jnp.linalg.norm(changed - image)), high),
                jnp.where(hit, changed, best),
            )

        _, length, best = jax.lax.fori_loop(0, HALVINGS, halve, (jnp.float32(0), start, first))
        return length, best, logits(best).argmax()

    return jax.lax.map(lambda pair: of_one(*pair), (x, y), batch_size=100)


def log_ratio(first: Sequence[Trained], second: Sequence[Trained]) -> Float[np.ndarray, "seeds n"]:
    """log10 of the least length of the first net over that of the second, for the images that every
    net of both gets right; the same images for every seed, whose nets are paired.
    """
    nets = [{net.seed: least(net).length for net in several} for several in (first, second)]
    pairs = np.array(list(paired(nets).values()))
    everywhere = np.isfinite(pairs).all(axis=(0, 1))
    ratios = np.log10(pairs[:, 0, everywhere] / pairs[:, 1, everywhere])
    return np.asarray(ratios, np.float64)


Pick = Callable[[Evidence], Sequence[Trained]]


def harder(first: str | Pick, second: str | Pick) -> Measure:
    """The mean of log_ratio of two experiments, or of the nets picked, by seed: above 0 where the
    first needs more.
    """

    def nets(which: str | Pick, evidence: Evidence) -> Sequence[Trained]:
        return evidence[which] if isinstance(which, str) else which(evidence)

    def measured(evidence: Evidence) -> dict[int, float]:
        pair = [nets(which, evidence) for which in (first, second)]
        ratios = log_ratio(*pair).mean(axis=1)
        seeds = paired([{net.seed: 0 for net in several} for several in pair])
        return {seed: float(value) for seed, value in zip(seeds, ratios, strict=True)}

    return measured


def features(trained: Trained) -> float:
    """Correlation of the least change with the mean image of the class found less that of the
    image's own, mean over images.
    """
    changes, averages = least(trained), means(trained).classes
    right = np.isfinite(changes.length)
    x = pixels(trained, ATTACKED)[right]
    own = trained.dataset.y_test[:ATTACKED][right]
    wanted = averages[changes.found[right]] - averages[own]
    pairs = zip(changes.images[right] - x, wanted, strict=True)
    return float(np.mean([np.corrcoef(change, feature)[0, 1] for change, feature in pairs]))
