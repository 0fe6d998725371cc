"""The checks that a robustness number must survive, one function each; `bioexp.robustness.flags`
names and orders them.

A check answers None when all is well, a sentence when it lacks its evidence, and (eps, sentence)
when it is red. Carlini et al. 2019, Athalye et al. 2018 and Croce & Hein 2020 describe the
symptoms; the thresholds are this project's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from bioexp.attacks.eps import show_eps
from bioexp.robustness.evaluate import Net, Outcome, logits, right, worst_case
from bioexp.robustness.gradients import count_gradients, on_the_edge

Finding = tuple[Sequence[float], str] | str | None


@dataclass(frozen=True)
class Stored:
    """One attack's file, read back."""

    eps: Sequence[float]
    correct: Bool[np.ndarray, "eps n"]
    x_adv: UInt8[np.ndarray, "eps n *shape"]


@dataclass(frozen=True)
class Doubled:
    """An attack with twice the steps, on some of the images that survived all multi-step attacks at
    some eps: where they stand.
    """

    places: Int[np.ndarray, "some"]
    outcome: Outcome


@dataclass(frozen=True)
class Evidence:
    """What the checks may look at.

    outcomes: by attack, all in the L-infinity ball, over the same images and eps. l2: those in the
        other ball.
    probe: the same at eps 0.5 and 1, on fewer images, where `outcomes` lack them. stored: the files
        that were written, by attack.
    doubled: an attack of twice the steps; None where none was run.
    """

    net: Net
    outcomes: Mapping[str, Outcome]
    l2: Mapping[str, Outcome] = field(default_factory=dict)
    probe: Mapping[str, Outcome] = field(default_factory=dict)
    stored: Mapping[str, Stored] = field(default_factory=dict)
    doubled: Doubled | None = None

    @cached_property
    def scores(self) -> Float[np.ndarray, "n classes"]:
        """The logits of the clean images."""
        return logits(self.net)

    @cached_property
    def clean(self) -> Bool[np.ndarray, "n"]:
        """Whether the net finds the label of each clean image."""
        return right(self.scores, self.net.labels)

    @property
    def multi_step(self) -> dict[str, Outcome]:
        """The attacks that more steps should only make stronger."""
        return {
            name: outcome for name, outcome in self.outcomes.items() if outcome.attack.multi_step
        }

    def survivors_at(self, eps: float) -> Bool[np.ndarray, "some"] | None:
        """Who survives every multi-step attack at this eps, from the results or else from the
        probe; None without either.
        """
        for outcomes in (self.multi_step, self.probe):
            if outcomes and eps in (levels := next(iter(outcomes.values())).eps):
                return worst_case(outcomes)[levels.index(eps)]
        return None


def weaker_than_fgsm(evidence: Evidence) -> Finding:
    """S1: a multi-step attack leaves more accuracy than one step (+0.2 points and more than 2
    images).
    """
    if "fgsm" not in evidence.outcomes or not evidence.multi_step:
        return "needs fgsm and a multi-step attack such as pgd"
    single = evidence.outcomes["fgsm"].left
    at = {
        (name, eps)
        for name, outcome in evidence.multi_step.items()
        for eps, left, fgsm in zip(outcome.eps, outcome.left, single, strict=True)
        if _more(left, fgsm, len(evidence.clean))
    }
    return (
        (_eps(at), f"accuracy under {_names(at)} is higher than under the single step of fgsm")
        if at
        else None
    )


def black_box_is_stronger(evidence: Evidence) -> Finding:
    """S2: an attack that follows no gradient of the net (queries, transfer) leaves less than all
    that do (0.2 points and 2 images).
    """
    white = {
        name: outcome
        for name, outcome in evidence.outcomes.items()
        if outcome.attack.kind == "gradient"
    }
    black = {
        name: outcome
        for name, outcome in evidence.outcomes.items()
        if outcome.attack.kind in ("queries", "transfer")
    }
    if not white or not black:
        return (
            "needs square, or transfer (from a second seed or a backprop twin), and a gradient"
            " attack such as pgd"
        )
    at = {
        (name, eps)
        for name, outcome in black.items()
        for eps, left, lowest in zip(
            outcome.eps, outcome.left, worst_case(white).sum(1), strict=True
        )
        if _more(int(lowest), left, len(evidence.clean))
    }
    return (
        (
            _eps(at),
            (
                f"accuracy under {_names(at)} is lower than under all attacks that follow the net's"
                " gradient"
            ),
        )
        if at
        else None
    )


def survives_everything(evidence: Evidence) -> Finding:
    """S3: in a ball that holds every image there is (eps 1), some image resists a multi-step
    attack.
    """
    left = evidence.survivors_at(1.0)
    if left is None:
        return "needs a multi-step attack at eps 1"
    sentence = (
        f"{left.mean():.2%} of {left.size} images survive at eps 1, where the attack may paint any"
        " image it likes"
    )
    return ((1.0,), sentence) if left.any() else None


def noise_is_stronger(evidence: Evidence) -> Finding:
    """S4: noise breaks more than 0.1 % of the images that the multi-step attacks did not."""
    if "noise" not in evidence.outcomes or not evidence.multi_step:
        return "needs noise and a multi-step attack such as pgd"
    left = worst_case(evidence.multi_step)
    missed = (left & ~evidence.outcomes["noise"].correct).sum(1)
    at = [
        eps
        for eps, m, n in zip(evidence.outcomes["noise"].eps, missed, left.sum(1), strict=True)
        if m > 0.001 * n
    ]
    return (
        (at, f"random noise breaks up to {missed.max()} images that the gradient attacks could not")
        if at
        else None
    )


def rises_with_eps(evidence: Evidence) -> Finding:
    """S5: a larger ball leaves more accuracy (+0.2 points and more than 2 images)."""
    if not evidence.multi_step or len(next(iter(evidence.multi_step.values())).eps) < 2:
        return "needs a multi-step attack such as pgd at two eps or more"
    at = {(name, eps) for name, outcome in evidence.multi_step.items() for eps in _rises(outcome)}
    return (_eps(at), f"accuracy under {_names(at)} rises although the ball grows") if at else None


def above_chance(evidence: Evidence) -> Finding:
    """S6: at eps 0.5, where every image can be made grey, a multi-step attack leaves more than
    chance.
    """
    left, chance = evidence.survivors_at(0.5), 1 / evidence.scores.shape[1]
    if left is None:
        return "needs a multi-step attack at eps 0.5"
    sentence = (
        f"{left.mean():.2%} of {left.size} images survive at eps 0.5, where every image can be made"
        f" plain grey; chance is {chance:.0%}"
    )
    return ((0.5,), sentence) if left.mean() > chance else None


def more_effort_helps(evidence: Evidence) -> Finding:
    """S7: doubling the restarts of all multi-step attacks, or the steps of one, still moves
    accuracy by 0.5 points (and 2 images).
    """
    tried = [outcome for outcome in evidence.multi_step.values() if outcome.attack.restarts > 1]
    if not tried:
        return "needs a multi-step attack with at least two restarts"

    def left(times: int) -> Int[np.ndarray, "eps"]:
        needed = {
            name: times * (outcome.attack.restarts // 2) or 1
            for name, outcome in evidence.multi_step.items()
        }
        return np.logical_and.reduce(
            [outcome.tries >= needed[name] for name, outcome in evidence.multi_step.items()]
        ).sum(1)

    n = len(evidence.clean)
    moved = {"restarts": left(1) - left(2), "steps": _moved_by_steps(evidence)}
    at = {
        (what, eps)
        for what, more in moved.items()
        for eps, m in zip(tried[0].eps, more, strict=True)
        if m > 2 and m >= 0.005 * n
    }
    most = max(float(more.max()) for more in moved.values())
    return (
        (
            _eps(at),
            (
                f"doubling the {_names(at)} of the gradient attacks still breaks up to {most:.0f}"
                " images more"
            ),
        )
        if at
        else None
    )


def _moved_by_steps(evidence: Evidence) -> Float[np.ndarray, "eps"]:
    """How many images twice the steps would break, from the share of those tried that they did; 0
    where none was tried.
    """
    survives = worst_case(evidence.multi_step)
    if evidence.doubled is None:
        return np.zeros(len(survives))
    survived = survives[:, evidence.doubled.places]
    broken = (survived & ~evidence.doubled.outcome.correct).sum(1)
    # as few as one or two tell nothing of the others
    return np.where(broken > 2, broken / np.maximum(survived.sum(1), 1) * survives.sum(1), 0)


def gradient_is_useless(evidence: Evidence) -> Finding:
    """S8: any gradient that is NaN or infinite; more than 1 % of the images with a float32 gradient
    of 0.

    In the second case counted again in float64 and with the margin loss; all counts are in the
    sentence.
    """
    net, clean = evidence.net, evidence.clean
    counts = count_gradients(net, clean, "cross_entropy")
    failures = {
        name: int(outcome.nonfinite.sum())
        for name, outcome in evidence.outcomes.items()
        if outcome.nonfinite.any()
    }
    parts = (
        [f"{counts.nonfinite} of {counts.n} images have a gradient with NaN or infinity"]
        if counts.nonfinite
        else []
    )
    parts += [f"{name} returned NaN or infinity {times} times" for name, times in failures.items()]
    if counts.zero > 0.01 * counts.n:
        double, steep = (
            count_gradients(net, clean, "cross_entropy", np.float64),
            count_gradients(net, clean, "margin"),
        )
        parts.append(
            f"the whole gradient is 0 on {counts.zero} of {counts.n} images ({double.zero} in"
            f" float64, {steep.zero} with the margin loss)"
        )
    return ((), "; ".join(parts)) if parts else None


def like_noise(evidence: Evidence) -> Finding:
    """S9: FGSM's drop is less than twice the drop under noise at every eps that can tell: the
    signature of a wrong gradient.

    An eps can tell when something broke more than 2 images, and noise left at least half, so that
    twice its drop is possible.
    """
    if not {"fgsm", "noise"} <= set(evidence.outcomes):
        return "needs noise and fgsm"
    clean, fgsm, noise = (
        int(evidence.clean.sum()),
        evidence.outcomes["fgsm"],
        evidence.outcomes["noise"],
    )
    drops = [
        (eps, clean - f, clean - n)
        for eps, f, n in zip(fgsm.eps, fgsm.left, noise.left, strict=True)
    ]
    telling = [
        (eps, gradient, chance)
        for eps, gradient, chance in drops
        if max(gradient, chance) > 2 and 2 * chance <= clean
    ]
    if not telling:
        return (
            "noise and fgsm cannot be told apart at these eps: they break nearly nothing, or noise"
            " breaks most"
        )
    if all(gradient < 2 * chance for _, gradient, chance in telling):
        return (
            [eps for eps, *_ in telling],
            (
                "following the gradient breaks less than twice as many images as random noise of"
                " the same size"
            ),
        )
    return None


def returns_probabilities(evidence: Evidence) -> Finding:
    """S11: every output is in [0, 1] and every row sums to 1, so the attacks' softmax is a second
    one that flattens the loss.
    """
    scores = evidence.scores
    normalized = (scores >= 0).all() and np.allclose(scores.sum(1), 1, atol=1e-3)
    return (
        ((), "the model returns probabilities, not logits: its own softmax hides the gradient")
        if normalized
        else None
    )


def files_disagree(evidence: Evidence) -> Finding:
    """S13: the stored images leave the ball, or do not give the recorded accuracy (0.5 points and 2
    images).

    Up to the rounding to uint8: 0.5/255 in each pixel, and an image that lies on the edge of its
        class may fall to either side.
    """
    if not evidence.stored:
        return "no file was written"
    net, at, parts = evidence.net, set(), []
    clean = net.images / np.float32(255 if net.images.dtype == np.uint8 else 1)
    norms = {
        name: outcome.attack.norm for name, outcome in {**evidence.outcomes, **evidence.l2}.items()
    }
    for name, stored in evidence.stored.items():
        for eps, correct, x_adv in zip(stored.eps, stored.correct, stored.x_adv, strict=True):
            excess = _excess(x_adv / np.float32(255) - clean, eps, norms[name])
            differ = _differing(replace(net, images=x_adv), correct)
            if excess > 0 or differ > 0:
                at.add((name, eps))
                parts.append(
                    f"{name} at {show_eps(eps)}: {differ} images differ, the ball is left by"
                    f" {max(excess, 0):.3g}"
                )
    return (
        (_eps(at), "stored images do not reproduce the result (" + "; ".join(parts) + ")")
        if at
        else None
    )


def _differing(net: Net, recorded: Bool[np.ndarray, "n"]) -> int:
    """How many stored images give another answer than was recorded; 0 when few enough, or when
    rounding explains them.
    """
    differ, allowed = right(logits(net), net.labels) != recorded, max(2, 0.005 * len(recorded))
    if differ.sum() > allowed:
        differ &= ~on_the_edge(net)
    return int(differ.sum()) if differ.sum() > allowed else 0


def _more(left: int, than: int, n: int) -> bool:
    """More accuracy, by 0.2 points and more than 2 images."""
    return left - than > max(2, 0.002 * n)


def _rises(outcome: Outcome) -> Iterator[float]:
    """The eps at which more images survive than at some smaller one."""
    lowest = outcome.correct.shape[1]
    for eps, left in sorted(zip(outcome.eps, outcome.left, strict=True)):
        if _more(left, lowest, outcome.correct.shape[1]):
            yield eps
        lowest = min(lowest, left)


def _excess(change: Float[np.ndarray, "n *shape"], eps: float, norm: str) -> float:
    """By how much the largest change leaves the ball, beyond what rounding to uint8 can do."""
    flat, rounding = np.abs(change).reshape(len(change), -1), 0.5 / 255 + 1e-6
    size = (
        flat.max()
        if norm == "linf"
        else np.sqrt((flat**2).sum(1)).max() - rounding * (np.sqrt(flat.shape[1]) - 1)
    )
    return float(size - eps - rounding)


def _eps(at: set[tuple[str, float]]) -> list[float]:
    return sorted({eps for _, eps in at})


def _names(at: set[tuple[str, float]]) -> str:
    return " and ".join(sorted({name for name, _ in at}))
