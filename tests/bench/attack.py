"""FGSM, PGD and the ladder on a trained log net, beside Foolbox on the same net."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from clock import Figure, in_turns, ratio
from digits import dataset, experiment

from bioexp.attacks import ATTACKS, LADDER, fgsm, pgd, pgd_margin
from bioexp.attacks.eps import DEFAULT_EPS, L2_EPS
from bioexp.robustness.evaluate import Net, evaluate, key_of, logits
from bioexp.training import fit
from bioexp.types import Attack

PGD_STEPS, PGD_IMAGES = 40, 1000
THREE_EPS = (4 / 255, 0.1, 0.2)


def attack(rounds: int) -> Iterator[Figure]:
    """Seconds for FGSM on every test image at all nine eps; for 40 steps of PGD on the first 1,000,
    from the image, without restarts; for FGSM and both PGDs with five restarts on the first 1,000;
    and for whole ladders on every test image at three eps.

    Both sides attack every image (its label is what the net says), test the result again and leave
    it as NumPy or JAX arrays. Foolbox gets the jitted forward pass and all images as one batch. How
    many (image, eps) pairs end alike is shown beside it.
    """
    net = _trained()
    few, foolbox = net.first(PGD_IMAGES), _foolbox()
    plain, step = foolbox and foolbox.attacks, 2.5 / PGD_STEPS
    one = pgd(steps=PGD_STEPS, restarts=1, start="image")
    random = {"rel_stepsize": step, "steps": PGD_STEPS, "random_start": True}
    yield from _beside(
        "fgsm",
        net,
        [fgsm()],
        plain and [plain.LinfFastGradientAttack()],
        DEFAULT_EPS,
        rounds,
        "4 x",
    )
    equal = plain and [plain.LinfPGD(rel_stepsize=step, steps=PGD_STEPS, random_start=False)]
    yield from _beside("pgd", few, [one], equal, DEFAULT_EPS, rounds, "2.3 x")
    # five restarts of two losses; Foolbox has one loss, which takes the same time, and attacks
    # broken images again
    ladder = plain and [plain.LinfFastGradientAttack(), *[plain.LinfPGD(**random)] * 10]
    yield from _beside(
        "ladder", few, [fgsm(), pgd(), pgd_margin()], ladder, DEFAULT_EPS, rounds, "5 x"
    )
    yield from _whole(
        "default ladder", net, {name: ATTACKS[name]() for name in LADDER}, "under 90 s"
    )
    yield from _whole(
        "--attacks all", net, {name: build() for name, build in ATTACKS.items()}, "under 360 s"
    )


def _beside(
    name: str,
    net: Net,
    ours: Sequence[Attack],
    theirs: Sequence[Any] | None,
    eps: Sequence[float],
    rounds: int,
    target: str,
) -> Iterator[Figure]:
    """Some attacks of bioexp and, if it is there, of Foolbox."""
    survivors: dict[str, np.ndarray] = {}

    def bioexp() -> None:
        survivors["bioexp"] = np.logical_and.reduce(
            [evaluate(net, one, eps, jax.random.key(0)).correct for one in ours]
        )

    def foolbox() -> None:
        survivors["foolbox"] = np.logical_and.reduce(
            [~np.asarray(one(model, x, y, epsilons=list(eps))[2]) for one in theirs or ()]
        )

    tasks: dict[str, Callable[[], None]] = {"bioexp": bioexp}
    if theirs is not None:
        from foolbox import JAXModel

        x, y = jnp.asarray(net.images, jnp.float32) / 255, jnp.asarray(net.labels)
        model = JAXModel(jax.jit(lambda z: net.apply(net.params, z)), bounds=(0, 1))
        tasks["foolbox"] = foolbox
    taken = in_turns(tasks, rounds)
    yield Figure(f"{name} on {len(net.labels):,} images x {len(eps)} eps", taken["bioexp"])
    if theirs is None:
        yield Figure(f"{name} of Foolbox", note="foolbox is not installed (extra: test)")
        return
    alike = (survivors["bioexp"] == survivors["foolbox"]).mean()
    yield Figure(f"{name} of Foolbox", taken["foolbox"], note=f"{alike:.2%} of the results alike")
    yield ratio(f"{name}: Foolbox / bioexp", taken["foolbox"], taken["bioexp"], target)


def _whole(name: str, net: Net, attacks: Mapping[str, Attack], target: str) -> Iterator[Figure]:
    """Every attack on every test image, once, compilation included; transfer follows the net
    itself, which costs as much as another.
    """
    began = time.perf_counter()
    for each, made in attacks.items():
        eps = (np.inf,) if made.kind == "nearest" else THREE_EPS if made.norm == "linf" else L2_EPS
        evaluate(net, made, eps, key_of(each, jax.random.key(0)))
    yield Figure(
        f"{name}, {len(net.labels):,} images x {len(THREE_EPS)} eps",
        (time.perf_counter() - began,),
        target=target,
    )


def _foolbox() -> Any:
    try:
        import foolbox
    except ImportError:
        return None
    return foolbox


def _trained() -> Net:
    """log_net_joint after two epochs, and the test images labeled by the net itself."""
    what = experiment("log_net_joint", 2)
    *_, last = fit(what.stages, what.train, [0])
    params = jax.tree.map(lambda leaf: np.asarray(leaf[0]), last.params)
    net = Net(
        lambda params, x: what.model.apply(params, x)[0], params, dataset().x_test, dataset().y_test
    )
    return replace(net, labels=logits(net).argmax(-1).astype(np.int32))
