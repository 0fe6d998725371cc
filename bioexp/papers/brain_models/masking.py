"""Robustness that is none: nets of random feedback, attacked along the gradient they were trained
by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Array, Float

from bioexp.attacks.fgsm import fgsm
from bioexp.attacks.noise import noise
from bioexp.attacks.pgd import pgd
from bioexp.experiment import Trained
from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.measures.alignment import rule_of
from bioexp.ops import exact
from bioexp.papers.brain_models.measures import MASKING
from bioexp.papers.paper import Evidence
from bioexp.robustness.evaluate import Net, evaluate
from bioexp.robustness.table import MASKED
from bioexp.types import Attack, Params

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPS = (0.05, 0.1, 0.15, 0.2, 0.3)
IMAGES = 500
ROWS = (  # attack, along which gradient, how it is drawn
    ("noise", noise(), False, COLORS[6], ":"),
    ("FGSM, training gradient (masked)", fgsm(), True, COLORS[1], "--"),
    ("FGSM, true gradient", fgsm(), False, COLORS[0], "-"),
    ("PGD (10 steps), true gradient", pgd(steps=10, restarts=1), False, COLORS[2], "-"),
)


def masking_demo(evidence: Evidence) -> Figure:
    """Accuracy under noise, and along the true and the training gradient, of nets of one and two
    hidden layers by four rules.
    """
    nets = _nets(evidence)
    figure = canvas(11.6, 7.6)
    numbers = []
    for row, (hidden, rules) in zip(
        figure.subplots(len(nets), 4, sharex=True, sharey=True, squeeze=False),
        nets.items(),
        strict=True,
    ):
        row[0].set_ylabel(f"accuracy, first {IMAGES} test images", fontsize=9)
        for axes, (rule, seeds) in zip(row, rules.items(), strict=True):
            at = []
            for label, attack, training, color, style in ROWS:
                found = _left(seeds, attack, training=training)
                axes.plot(
                    (0.0, *EPS),
                    found.mean(axis=0),
                    style,
                    color=color,
                    label=label,
                    marker="o",
                    markersize=3,
                )
                axes.fill_between(
                    (0.0, *EPS),
                    found.min(axis=0),
                    found.max(axis=0),
                    color=color,
                    alpha=0.18,
                    linewidth=0,
                )
                at.append(found[:, 1 + EPS.index(0.2)].mean())
            axes.set_title(f"{rule}\n784-{hidden}-10 tanh, {len(seeds)} seeds", fontsize=9)
            axes.set_xlabel("eps, L∞, pixels in 0 to 1", fontsize=9)
            axes.set_ylim(0, 1)
            axes.tick_params(labelsize=8)
            plain(axes)
            numbers.append(f"{rule} ({hidden}) {' / '.join(f'{value:.3f}' for value in at)}")
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        fontsize=9,
        frameon=False,
        ncols=4,
        loc="outside upper center",
    )
    explain(
        figure,
        "nothing on robustness; claims that random feedback makes nets robust rest on dashed"
        " curves.",
        f"at eps 0.2, noise / training gradient / true gradient / PGD: {'; '.join(numbers)}. Dashed"
        f" is {MASKED}. Backprop's training gradient is the true one. Weights align with fixed"
        " feedback, so that even its gradient is an attack; with feedback drawn anew nothing"
        " aligns, and it breaks less than noise. With one hidden layer both rules of fixed"
        " feedback are one. Lines are means over seeds, bands their range.",
    )
    return figure


def _nets(evidence: Evidence) -> dict[str, dict[str, list[Trained]]]:
    """The runs by hidden layers and rule."""
    found: dict[str, dict[str, list[Trained]]] = {}
    for one in evidence[MASKING]:
        rule = one.run.config["stages"][0]["rule"]
        name = str(rule["name"]).replace("_", " ") + (", drawn anew" if rule.get("redrawn") else "")
        hidden = "-".join(str(units) for units in one.run.config["model"]["hidden"])
        found.setdefault(hidden, {}).setdefault(name, []).append(one)
    return found


def _left(
    seeds: Sequence[Trained], attack: Attack, *, training: bool
) -> Float[np.ndarray, "seeds eps"]:
    """Accuracy of every seed, clean and at every eps, along the true gradient or along that of the
    rule.
    """
    found = [rule_of(one) for one in seeds]
    model, backward = seeds[0].model, found[0][0].ops

    # one function for all seeds, so that it is compiled once: their feedback weights go in as if
    # they were weights
    def forward(params: Params, x: Float[Array, "batch *shape"]) -> Float[Array, "batch classes"]:
        ops = backward(params["weights"], params["state"]) if training and backward else exact
        return model.apply(params["weights"], x, ops)[0]

    x, y = seeds[0].dataset.x_test[:IMAGES], seeds[0].dataset.y_test[:IMAGES]
    nets = [
        Net(forward, {"weights": one.params, "state": state}, x, y)
        for one, (_, _, state) in zip(seeds, found, strict=True)
    ]
    outcomes = [
        evaluate(net, attack, EPS, jax.random.key(one.run.seed))
        for net, one in zip(nets, seeds, strict=True)
    ]
    return np.asarray([[np.mean(one.tries[0] >= 0), *one.correct.mean(axis=1)] for one in outcomes])
