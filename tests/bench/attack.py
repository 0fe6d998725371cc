"""FGSM and PGD on a trained log net, beside Foolbox on the same net."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from clock import Figure, in_turns, ratio
from digits import dataset, experiment

from bioexp.attacks import fgsm, pgd
from bioexp.attacks.eps import DEFAULT_EPS
from bioexp.measures.robustness import Net, evaluate, logits
from bioexp.training import fit
from bioexp.types import Attack

PGD_STEPS, PGD_IMAGES = 40, 1000


def attack(rounds: int) -> Iterator[Figure]:
    """Seconds for all nine eps: FGSM on every test image, 40 steps of PGD on the first 1,000, from the image, without restarts.

    Both sides attack every image (its label is what the net says), test the result again and leave it as NumPy or JAX arrays.
    Foolbox gets the jitted forward pass and all images as one batch. How many (image, eps) pairs end alike is shown beside it.
    """
    net = _trained()
    few = net.first(PGD_IMAGES)
    ours = {"fgsm": (net, fgsm()), "pgd": (few, pgd(steps=PGD_STEPS, restarts=1, start="image"))}
    try:
        import foolbox
    except ImportError:
        theirs = {}
    else:
        theirs = {"fgsm": foolbox.attacks.LinfFastGradientAttack()}
        theirs["pgd"] = foolbox.attacks.LinfPGD(rel_stepsize=2.5 / PGD_STEPS, steps=PGD_STEPS, random_start=False)
    for name, target in (("fgsm", "4 x, later"), ("pgd", "2.3 x, later")):
        yield from _beside(name, *ours[name], theirs.get(name), rounds, target)


def _beside(name: str, net: Net, ours: Attack, theirs: Any, rounds: int, target: str) -> Iterator[Figure]:
    """One attack of bioexp and, if it is there, of Foolbox."""
    survivors: dict[str, np.ndarray] = {}

    def bioexp() -> None:
        survivors["bioexp"] = evaluate(net, ours, DEFAULT_EPS, jax.random.key(0)).correct

    def foolbox() -> None:
        survivors["foolbox"] = ~np.asarray(theirs(model, x, y, epsilons=list(DEFAULT_EPS))[2])

    tasks = {"bioexp": bioexp}
    if theirs is not None:
        from foolbox import JAXModel

        x, y = jnp.asarray(net.images, jnp.float32) / 255, jnp.asarray(net.labels)
        model = JAXModel(jax.jit(lambda z: net.apply(net.params, z)), bounds=(0, 1))
        tasks["foolbox"] = foolbox
    taken = in_turns(tasks, rounds)
    yield Figure(f"{name} on {len(net.labels):,} images x {len(DEFAULT_EPS)} eps", taken["bioexp"])
    if theirs is None:
        yield Figure(f"{name} of Foolbox", note="foolbox is not installed (extra: test)")
        return
    alike = (survivors["bioexp"] == survivors["foolbox"]).mean()
    yield Figure(f"{name} of Foolbox", taken["foolbox"], note=f"{alike:.2%} of the results alike")
    yield ratio(f"{name}: Foolbox / bioexp", taken["foolbox"], taken["bioexp"], target)


def _trained() -> Net:
    """log_net_joint after two epochs, and the test images labeled by the net itself."""
    what = experiment("log_net_joint", 2)
    *_, last = fit(what.stages, what.train, [0])
    params = jax.tree.map(lambda leaf: np.asarray(leaf[0]), last.params)
    net = Net(lambda params, x: what.model.apply(params, x)[0], params, dataset().x_test, dataset().y_test)
    return replace(net, labels=logits(net).argmax(-1).astype(np.int32))
