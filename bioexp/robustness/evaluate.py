"""Who survives an attack: per image and per eps, with the ball and the box enforced here and the
result tested again.

Not here: what the attacks do (`bioexp.attacks`), whether their numbers can be believed
(`bioexp.robustness.flags`), files.
"""

import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Int, Key, Num, UInt8

from bioexp.attacks.ball import distance, project
from bioexp.devices import devices_for, over_devices, padded, rounded_up, split
from bioexp.types import Attack, Params

Apply = Callable[[Params, Float[Array, "batch *shape"]], Float[Array, "batch classes"]]
Progress = Callable[[float], None]
SMALLEST = 8  # rows of a block


@dataclass(frozen=True)
class Net:
    """What is attacked: the deployed forward pass, its weights, and the images it is judged on.

    apply: (params, images in [0, 1]) -> logits; the same object for nets of one shape, so that they
        share compiled programs.
    images: uint8 meaning x/255, or floats in [0, 1].
    identity: of everything that decides its answers; "" where nobody asks.
    """

    apply: Apply
    params: Params
    images: Num[np.ndarray, "n *shape"]
    labels: Int[np.ndarray, "n"]
    identity: str = ""

    def first(self, n: int) -> "Net":
        """The same net on its first n images."""
        return replace(self, images=self.images[:n], labels=self.labels[:n])


@dataclass(frozen=True)
class Outcome:
    """One attack on one net.

    tries: how many tries each image survived; `attack.restarts` means that none broke it, -1 that
        it was wrong before any.
    x_adv: the image that broke the net, or the last that failed to, rounded to uint8.
    nonfinite: how often the attack returned NaN or infinity at each eps; the clean image is then
        tested in its stead.
    moved: of an attack in the l2 ball, how far that image lay from the clean one before it was
        rounded; 0 where none was made.
    """

    attack: Attack
    eps: tuple[float, ...]
    tries: Int[np.ndarray, "eps n"]
    x_adv: UInt8[np.ndarray, "eps n *shape"]
    nonfinite: Int[np.ndarray, "eps"]
    moved: Float[np.ndarray, "eps n"]

    @property
    def correct(self) -> Bool[np.ndarray, "eps n"]:
        """Whether the net still finds the label after every try."""
        return self.tries == self.attack.restarts

    @property
    def clean(self) -> Bool[np.ndarray, "n"]:
        """Whether the net finds the label before any try."""
        return self.tries[0] >= 0

    @property
    def left(self) -> list[int]:
        """How many images survive at each eps."""
        return [int(count) for count in self.correct.sum(1)]


def evaluate(
    net: Net,
    attack: Attack,
    eps: Sequence[float],
    key: Key[Array, ""],
    *,
    sources: Sequence[Net] = (),
    block: int | None = None,
    progress: Progress = lambda fraction: None,
) -> Outcome:
    """Attack every image the net gets right, at every eps, until it breaks or the restarts are used
    up.

    An image's random numbers depend on `key`, the try and its place in the data set alone: neither
    other attacks nor other images change its result.

    sources: the nets that an attack by transfer follows, one a try, in turn; without any every try
        follows the net itself.
    block: (image, eps) pairs attacked together on one device; by default what suits its memory.
        Images are spread over all devices. An accelerator that runs out of memory is given half as
        many, with a warning.
    progress: called with the fraction done.
    """
    size = block or _pairs(net.images[0].size)
    while True:
        try:
            return _evaluate(net, attack, eps, key, sources, size, progress)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error) or size <= SMALLEST:
                raise
            size //= 2
            warnings.warn(
                f"out of memory: going on with {size} images at a time",
                RuntimeWarning,
                stacklevel=2,
            )


def _evaluate(
    net: Net,
    attack: Attack,
    eps: Sequence[float],
    key: Key[Array, ""],
    sources: Sequence[Net],
    block: int,
    progress: Progress,
) -> Outcome:
    radii, mesh = np.asarray(eps, np.float32), devices_for(jax.local_device_count())
    tries = np.tile(np.where(right(logits(net), net.labels), 0, -1).astype(np.int16), (len(eps), 1))
    x_adv = np.repeat(np.asarray(rounded(jnp.asarray(net.images)))[None], len(eps), 0)
    nonfinite, moved = np.zeros(len(eps), np.int64), np.zeros(tries.shape, np.float32)
    for attempt in range(attack.restarts):
        attempt_key, source = (
            jax.random.fold_in(key, attempt),
            sources[attempt % len(sources)] if sources else net,
        )
        index, level = _survivors(tries, attempt, together=attack.restarts == 1)
        for rows, size in _blocks(len(index), mesh.size * max(SMALLEST, block // level.shape[1])):
            i, e = index[rows], level[rows]
            full = padded(i, rounded_up(size, mesh))
            block_of = split(
                (net.images[full], net.labels[full], full, radii[padded(e, len(full))]), mesh
            )
            results = _strike(
                net.apply,
                source.apply,
                attack,
                mesh,
                net.params,
                source.params,
                *block_of,
                attempt_key,
            )
            survives, candidate, finite, far = (np.asarray(result)[: len(i)] for result in results)
            tries[e, i[:, None]] += survives
            x_adv[e, i[:, None]] = candidate
            moved[e, i[:, None]] = far
            np.add.at(nonfinite, e, ~finite)
            progress((attempt + rows.stop / len(index)) / attack.restarts)
    progress(1.0)
    return Outcome(attack, tuple(eps), tries, x_adv, nonfinite, moved)


def worst_case(outcomes: Mapping[str, Outcome]) -> Bool[np.ndarray, "eps n"]:
    """Survivors of every attack: the minimum per image, never the minimum of means."""
    return np.logical_and.reduce([outcome.correct for outcome in outcomes.values()])


def key_of(name: str, key: Key[Array, ""]) -> Key[Array, ""]:
    """The attack's own key, from its name: the same whichever others run."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))


def logits(net: Net, batch: int = 4096) -> Float[np.ndarray, "n classes"]:
    """The logits of every image, in batches."""
    parts = [
        _forward(net.apply, net.params, net.images[i : i + batch])
        for i in range(0, len(net.images), batch)
    ]
    return np.concatenate([np.asarray(part) for part in parts])


def right(
    scores: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, "n"]
) -> Bool[np.ndarray, "n"]:
    """Whether the largest logit is the label's; a row with a NaN is wrong."""
    return (scores.argmax(-1) == labels) & ~np.isnan(scores).any(-1)


def unit(images: Num[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Pixels as floats in [0, 1]; uint8 means x/255."""
    return images.astype(jnp.float32) / 255 if images.dtype == jnp.uint8 else images


def rounded(images: Num[Array, "*shape"]) -> UInt8[Array, "*shape"]:
    """Pixels as uint8, to the nearest."""
    return images if images.dtype == jnp.uint8 else jnp.round(images * 255).astype(jnp.uint8)


@partial(jax.jit, static_argnames="apply")
def _forward(
    apply: Apply, params: Params, images: Num[Array, "batch *shape"]
) -> Float[Array, "batch classes"]:
    return apply(params, unit(images))


@partial(jax.jit, static_argnames=("apply", "source_apply", "attack", "mesh"))
def _strike(
    apply: Apply,
    source_apply: Apply,
    attack: Attack,
    mesh: Mesh,
    params: Params,
    source_params: Params,
    images: Num[Array, "batch *shape"],
    labels: Int[Array, "batch"],
    places: Int[Array, "batch"],
    eps: Float[Array, "batch width"],
    key: Key[Array, ""],
) -> tuple[
    Bool[Array, "batch width"],
    UInt8[Array, "batch width *shape"],
    Bool[Array, "batch width"],
    Float[Array, "batch width"],
]:
    """One try on each image at each eps of its row: (survives, the projected image, whether the
    attack's was finite, its distance).

    The attack follows the source; the net that is judged is asked for its answer alone.

    places: where the images stand in the data set, for their random numbers.
    """

    def one(
        params: Params,
        source_params: Params,
        image: Num[Array, "*shape"],
        y: Int[Array, ""],
        place: Int[Array, ""],
        radius: Float[Array, ""],
        key: Key[Array, ""],
    ) -> tuple[Array, Array, Array, Array]:
        def source(z: Float[Array, "*shape"]) -> Float[Array, "classes"]:
            return source_apply(source_params, z[None])[0]

        x = unit(image)
        candidate = attack.perturb(source, x, y, radius, jax.random.fold_in(key, place))
        finite = jnp.isfinite(candidate).all()
        z = project(jnp.where(finite, candidate, x), x, radius, attack.norm)
        scores = apply(params, z[None])[0]
        far = distance(z, x) if attack.norm == "l2" else jnp.float32(0)
        return (scores.argmax() == y) & ~jnp.isnan(scores).any(), rounded(z), finite, far

    axes = (None, None, 0, 0, 0, 0, None)
    pairs = jax.vmap(jax.vmap(one, in_axes=(None,) * 5 + (0, None)), in_axes=axes)
    return over_devices(pairs, axes, mesh)(params, source_params, images, labels, places, eps, key)


def _survivors(
    tries: Int[np.ndarray, "eps n"], attempt: int, *, together: bool
) -> tuple[Int[np.ndarray, "batch"], Int[np.ndarray, "batch width"]]:
    """The images that survived so far, and the eps each still has to meet.

    One (image, eps) pair a row, as some eps have already broken an image that others have not. When
    there is only one try, one image a row with all eps `together`: what does not depend on eps,
    FGSM's gradient say, is then computed once.
    """
    if together:
        index = np.flatnonzero(tries[0] == attempt)
        return index, np.tile(np.arange(len(tries)), (len(index), 1))
    level, index = np.nonzero(tries == attempt)
    return index, level[:, None]


def _pairs(pixels: int) -> int:
    """Pairs per block: some megabytes of pixels, which a CPU's caches hold; an accelerator takes 64
    times as many.
    """
    return (2**20 if jax.default_backend() == "cpu" else 2**26) // pixels


def _blocks(total: int, size: int) -> Iterator[tuple[slice, int]]:
    """Slices that cover `total`, each with the size it is padded to: `size` or an eighth of it, so
    that only two programs compile.
    """
    start, small = 0, size // 8
    while start < total:
        step = size if total - start > 3 * small else small
        yield slice(start, min(start + step, total)), step
        start += step
