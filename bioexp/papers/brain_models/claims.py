"""What the document shows and claims: one entry for each row of the ledger, and three figures
beyond it.

It gives no numbers. The bars in `accepted` are ours: they were set before the measures were
computed here, knowing what a feasibility study had found. A claim is judged under the printed
settings (R); the same measure under those of the program that matches the document (Q) stands first
among its controls.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

from bioexp.experiment import Trained
from bioexp.papers.brain_models import figures as learning
from bioexp.papers.brain_models import information as bits
from bioexp.papers.brain_models.masking import masking_demo
from bioexp.papers.brain_models.measures import (
    AUTOENCODER,
    BASE,
    CODES,
    DEEP,
    MANY,
    MASKING,
    RULES,
    STOCHASTIC,
    Layer,
    after,
    change,
    curve,
    entropy_margin,
    gains,
    left,
    left_of_w2,
    mean_accuracy,
    meeting,
    of,
    of_shuffled,
    processed,
    proven,
    rise_and_fall,
    ruled,
    shape_margin,
    size,
    spread,
    unsettled,
)
from bioexp.papers.measuring import Measure, accuracy, each, less
from bioexp.papers.paper import Claim, Control, Drawing

Number = Callable[[Trained], float]

BACKPROP = "1.1 How does the algorithm work?"
TRANSPORT, DERIVATIVE, PHASES = (
    "1.2.1 Weight Transport",
    "1.2.2 Derivative of Activation Function",
    "1.2.3 Two Phase Learning",
)
ENTROPY, QUADRANTS, AUTO = (
    "2.1 Hidden and output layer activity entropy",
    "2.2 Image property entropy",
    "2.3 Autoencoder entropy",
)


def by_rule(preset: str, name: str, measure: Number = accuracy, **options: Any) -> Measure:
    """A measure of brain_models_rules, for one of its rules."""
    return each(RULES, measure, ruled(preset, name, **options))


def by_size(preset: str, hidden: int, measure: Number = accuracy) -> Measure:
    """A measure of brain_models, for one size of the hidden layer."""
    return each(BASE, measure, size(preset, hidden))


def random_backward(preset: str, **options: Any) -> Measure:
    """Test accuracy after a backward pass that was replaced now and then."""
    return each(STOCHASTIC, accuracy, ruled(preset, "stochastic_backward", **options))


def faster(preset: str, **options: Any) -> Measure:
    """Mean training accuracy over training by feedback alignment, less backprop's."""
    return less(
        by_rule(preset, "feedback_alignment", mean_accuracy, **options),
        by_size(preset, 30, mean_accuracy),
    )


def lost(preset: str) -> Measure:
    """Test accuracy of backprop less that without the derivative."""
    return less(by_size(preset, 30), by_rule(preset, "no_derivative"))


def quadrant(layer: Layer, **options: Any) -> Callable[[Trained], dict[int, float]]:
    """I(layer;W) at every snapshot."""
    return partial(curve, quantity=of(layer, "w"), **options)


CLAIMS = (
    Claim(
        id="brain_models/w2_converges",
        kind="claim",
        where=BACKPROP,
        what="W2 converges while W1 keeps changing",
        measured=(
            "share of W2's change per step at step 100 that is left at the end, over the same share"
            " of W1; 30 units, R"
        ),
        accepted=(0.0, 0.5),
        experiments=(BASE,),
        measure=by_size("R", 30, left_of_w2),
        controls=(
            Control("the same in Q", by_size("Q", 30, left_of_w2)),
            Control(
                "share of W2's change that is left, R (1: no convergence)",
                by_size("R", 30, left("change of W2")),
            ),
            Control("share of W1's change that is left, R", by_size("R", 30, left("change of W1"))),
            Control("share of W2's change that is left, Q", by_size("Q", 30, left("change of W2"))),
        ),
        why="the changes of W2 do not shrink more than those of W1",
        note=(
            "true of the printed settings, where the changes of W1 grow as its units leave"
            " saturation; in Q both shrink alike"
        ),
    ),
    Claim(
        id="brain_models/bigger_is_faster",
        kind="claim",
        where="Fig. 2",
        what="at equal learning rate a larger hidden layer converges faster",
        measured=(
            "smallest gain in training accuracy at step 1,000 from one size to the next, of 15, 30,"
            " 60 and 120; R"
        ),
        accepted=(0.0, inf),
        experiments=(BASE,),
        measure=gains("R", "train_accuracy"),
        controls=(
            Control("the same in Q", gains("Q", "train_accuracy")),
            Control("smallest gain in training cost, R", gains("R", "train_loss")),
            Control("smallest gain in training cost, Q", gains("Q", "train_loss")),
        ),
        why="some larger layer is not ahead of the next smaller one at step 1,000",
        note="at every doubling, in Q too",
    ),
    Claim(
        id="brain_models/fa_as_fast",
        kind="claim",
        where=TRANSPORT,
        what="fixed random feedback learns at least as fast as backprop",
        measured=(
            "training accuracy, mean over all of training: feedback B ~ N(0, 1) less backprop; 30"
            " units, R"
        ),
        accepted=(-0.005, inf),
        experiments=(RULES, BASE),
        measure=faster("R"),
        controls=(
            Control("the same in Q", faster("Q")),
            Control("feedback ten times smaller, B ~ N(0, 0.1^2), R", faster("R", scale=0.1)),
            Control("feedback ten times smaller, Q", faster("Q", scale=0.1)),
            Control("feedback drawn anew at every step, R", faster("R", redrawn=True)),
            Control("feedback drawn anew at every step, Q", faster("Q", redrawn=True)),
            Control(
                "frozen hidden layer, R",
                less(by_rule("R", "frozen_hidden", mean_accuracy), by_size("R", 30, mean_accuracy)),
            ),
            Control(
                "frozen hidden layer, Q",
                less(by_rule("Q", "frozen_hidden", mean_accuracy), by_size("Q", 30, mean_accuracy)),
            ),
        ),
        why="feedback alignment lags behind backprop",
        note=(
            "of fixed feedback that is much larger than W2, which is a larger step for W1; drawn"
            " anew at every step it is no better than a frozen hidden layer, or worse"
        ),
        draw=learning.alignment,
    ),
    Claim(
        id="brain_models/no_derivative_inferior",
        kind="claim",
        where=DERIVATIVE,
        what="without the activation derivative learning is inferior but takes place",
        measured="test accuracy lost without the derivative, 30 units, R",
        accepted=(0.02, inf),
        experiments=(RULES, BASE),
        measure=lost("R"),
        controls=(
            Control("the same in Q", lost("Q")),
            Control(
                "test accuracy without the derivative, R (chance 0.1)",
                by_rule("R", "no_derivative"),
            ),
            Control("test accuracy with a frozen hidden layer, R", by_rule("R", "frozen_hidden")),
            Control("test accuracy without the derivative, Q", by_rule("Q", "no_derivative")),
            Control("test accuracy with a frozen hidden layer, Q", by_rule("Q", "frozen_hidden")),
        ),
        why="without the derivative it is not inferior",
        note=(
            "of the printed settings only, where it is hardly better than a frozen hidden layer:"
            " what takes place is learning of the read-out; in Q it is better than backprop"
        ),
    ),
    Claim(
        id="brain_models/learning_prevented",
        kind="claim",
        where=PHASES,
        what="a random backward pass prevents learning entirely",
        measured="test accuracy where dL/dZ = 1 replaces it with probability 0.2, 30 units, R",
        accepted=(0.0, 0.15),
        experiments=(STOCHASTIC, BASE, RULES),
        measure=random_backward("R", instead="ones", p=0.2),
        controls=(
            Control("the same in Q", random_backward("Q", instead="ones", p=0.2)),
            Control("with probability 0.001, R", random_backward("R", instead="ones", p=0.001)),
            Control("with probability 0.001, Q", random_backward("Q", instead="ones", p=0.001)),
            Control(
                "dL/dZ ~ N(0, 1), probability 0.2, R", random_backward("R", instead="noise", p=0.2)
            ),
            Control(
                "dL/dZ ~ N(0, 1), probability 0.2, Q", random_backward("Q", instead="noise", p=0.2)
            ),
            Control(
                "hidden update skipped with probability 0.8, R",
                random_backward("R", instead="skip", p=0.8),
            ),
            Control(
                "hidden update skipped with probability 0.8, Q",
                random_backward("Q", instead="skip", p=0.8),
            ),
        ),
        why="the net learns in spite of it",
        note=(
            "by its sign, not by its randomness: the constant lowers every weight until no unit is"
            " active, in R even with a probability of 0.001; without it (skipped updates) the net"
            " learns, little slower"
        ),
    ),
    Claim(
        id="brain_models/entropy_falls",
        kind="claim",
        where=ENTROPY,
        what=(
            "H(Y|X) falls for all sizes, is larger for larger layers, and meets H(Z|X) for 15 units"
        ),
        measured=(
            "smallest margin of the three parts in bits (meets: within half a bit), 256 images, R"
        ),
        accepted=(0.0, inf),
        experiments=(BASE,),
        measure=entropy_margin("R"),
        controls=(
            Control("the same in Q", entropy_margin("Q")),
            Control("the same of 10,000 images, R", entropy_margin("R", MANY)),
            Control(
                "H(Y|X) - H(Z|X) at the end, 15 units, 256 images, R", by_size("R", 15, meeting())
            ),
            Control(
                "H(Y|X) - H(Z|X) at the end, 15 units, 10,000 images, R",
                by_size("R", 15, meeting(MANY)),
            ),
            Control(
                "H(Y|X) - H(Z|X) at the end, 15 units, 256 images, Q", by_size("Q", 15, meeting())
            ),
            Control(
                "H(Y|X) - H(Z|X) at the end, 15 units, 10,000 images, Q",
                by_size("Q", 15, meeting(MANY)),
            ),
        ),
        why="one of the three parts does not hold",
        note=(
            "of 256 images; in Q, 60 and 120 units stay at the ceiling where every string is"
            " unique, and of 10,000 images the two entropies of 15 units stay further apart"
        ),
    ),
    Claim(
        id="brain_models/dpi",
        kind="claim",
        where=ENTROPY,
        what="I(Y;X) >= I(Z;X) throughout training",
        measured="share of 18 snapshots at which it holds, 15 units, 256 images, R",
        accepted=(0.99, 1.0),
        experiments=(BASE,),
        measure=by_size("R", 15, processed()),
        controls=(
            Control("the same in Q", by_size("Q", 15, processed())),
            Control("15 units, 10,000 images, R", by_size("R", 15, processed(MANY))),
            Control("5 units, 10,000 images, R", by_size("R", 5, processed(MANY))),
            Control("5 units, 10,000 images, Q", by_size("Q", 5, processed(MANY))),
        ),
        why="at some snapshots the outputs' bits tell more of the label than the hidden bits",
        note=(
            "nothing guarantees it: outputs are a function of the hidden activity, not of its bits,"
            " and with 5 units it often fails"
        ),
    ),
    Claim(
        id="brain_models/mi_shape",
        kind="claim",
        where="Fig. 9a",
        what="I(Y;X) rises for 5 and 15 units, falls for 30, stays flat for 60 and 120",
        measured=(
            "smallest margin of the five parts in bits (flat: a change below 0.1), 256 images, R"
        ),
        accepted=(0.0, inf),
        experiments=(BASE,),
        measure=shape_margin("R"),
        controls=(
            Control("the same in Q", shape_margin("Q")),
            *(
                Control(
                    f"I with SHUFFLED labels at step 0, {hidden} units, R",
                    by_size("R", hidden, after(0, partial(curve, quantity=of_shuffled("y", "x")))),
                )
                for hidden in (15, 30, 60, 120)
            ),
            *(
                Control(
                    f"what a decoder proves of 10,000 images, end less start, {hidden} units, R",
                    by_size("R", hidden, proven("x", 0, 10_000)),
                )
                for hidden in (5, 15, 30, 60, 120)
            ),
        ),
        why="one of the five parts does not hold",
        note=(
            "of 256 images, where shuffled labels give nearly as much: for 30 units and more these"
            " curves tell how many strings are unique; what can be decoded rises at every size"
        ),
    ),
    Claim(
        id="brain_models/mi_plateau",
        kind="claim",
        where=ENTROPY,
        what="I(Y;X) and I(Z;X) plateau after 4,000 steps",
        measured=(
            "the larger of their changes from step 4,000 to 10,000 in bits, 15 units, 256 images, R"
        ),
        accepted=(0.0, 0.1),
        experiments=(BASE,),
        measure=by_size("R", 15, unsettled),
        controls=(
            Control("the same in Q", by_size("Q", 15, unsettled)),
            Control(
                "change of I(Y;X) before, from 0 to 4,000, R",
                by_size("R", 15, change(of("y", "x"), 0, 4000)),
            ),
            Control(
                "change of I(Z;X) before, from 0 to 4,000, R",
                by_size("R", 15, change(of("z", "x"), 0, 4000)),
            ),
            Control(
                "change of I(Y;X) from 4,000 on, 10,000 images, R",
                by_size("R", 15, change(of("y", "x"), 4000, 10_000, n=MANY)),
            ),
            Control(
                "change of I(Z;X) from 4,000 on, 10,000 images, R",
                by_size("R", 15, change(of("z", "x"), 4000, 10_000, n=MANY)),
            ),
        ),
        why="one of them still changes by more than 0.1 bit after step 4,000",
        note="they slow down, and rise on as the accuracy does",
    ),
    Claim(
        id="brain_models/fitting_compression",
        kind="claim",
        where=QUADRANTS,
        what="I(Y;W) rises, then falls: fitting, then compression",
        measured=(
            "the smaller of its rise from step 0 to 500 and its fall from there to the end, in"
            " bits, 15 units, 256 images, R"
        ),
        accepted=(0.0, inf),
        experiments=(BASE,),
        measure=by_size("R", 15, rise_and_fall(quadrant("y"))),
        controls=(
            Control("the same in Q", by_size("Q", 15, rise_and_fall(quadrant("y")))),
            Control(
                "the same with SHUFFLED labels, R",
                by_size("R", 15, rise_and_fall(partial(curve, quantity=of_shuffled("y", "w")))),
            ),
            Control(
                "the same of 10,000 images, R",
                by_size("R", 15, rise_and_fall(quadrant("y", n=MANY))),
            ),
            Control(
                "the same of 10,000 images, Q",
                by_size("Q", 15, rise_and_fall(quadrant("y", n=MANY))),
            ),
            Control(
                "what a decoder proves of 10,000 images: 500 less 0, R",
                by_size("R", 15, proven("w", 0, 500)),
            ),
            Control(
                "what a decoder proves of 10,000 images: 10,000 less 500, R",
                by_size("R", 15, proven("w", 500, 10_000)),
            ),
        ),
        why=(
            "it does not rise first: of 256 images the estimate falls from the start, as it does"
            " with shuffled labels"
        ),
        note="as single seeds may show it",
    ),
    Claim(
        id="brain_models/izw_constant",
        kind="claim",
        where=QUADRANTS,
        what="I(Z;W) stays about constant",
        measured="largest less smallest value over training in bits, 15 units, 256 images, R",
        accepted=(0.0, 0.2),
        experiments=(BASE,),
        measure=by_size("R", 15, spread(of("z", "w"))),
        controls=(
            Control("the same in Q", by_size("Q", 15, spread(of("z", "w")))),
            Control("from step 1,000 on, R", by_size("R", 15, spread(of("z", "w"), 1000))),
            Control("from step 1,000 on, Q", by_size("Q", 15, spread(of("z", "w"), 1000))),
            Control(
                "largest less smallest value of I(Y;W), R", by_size("R", 15, spread(of("y", "w")))
            ),
        ),
        why=(
            "it moves as much as I(Y;W) in the first 1,000 steps; it is about constant only from"
            " there on"
        ),
    ),
    Claim(
        id="brain_models/autoencoder_mi_rises",
        kind="claim",
        where=AUTO,
        what="I(Y;W) of the autoencoder's code rises throughout training",
        measured=(
            "its change from step 100 to 4,000 in bits, 256 images, R (random codes start at the"
            " ceiling, so step 0 is left out)"
        ),
        accepted=(0.0, inf),
        experiments=(AUTOENCODER,),
        measure=each(AUTOENCODER, change(of("y", "w"), 100, 4000), CODES["R"]),
        controls=(
            Control(
                "the same in Q", each(AUTOENCODER, change(of("y", "w"), 100, 4000), CODES["Q"])
            ),
            Control(
                "the same trained by Adam",
                each(AUTOENCODER, change(of("y", "w"), 100, 4000), CODES["Adam"]),
            ),
            Control(
                "the same with SHUFFLED labels, Q",
                each(AUTOENCODER, change(of_shuffled("y", "w"), 100, 4000), CODES["Q"]),
            ),
            Control("from step 0, Q", each(AUTOENCODER, change(of("y", "w"), 0, 4000), CODES["Q"])),
            *(
                Control(
                    f"what a decoder proves of 10,000 images, 4,000 less 100, {name}",
                    each(AUTOENCODER, proven("w", 100, 4000), where),
                )
                for name, where in CODES.items()
            ),
        ),
        why=(
            "with the printed rate it falls from the ceiling first, as codes become alike; it rises"
            " in Q and by Adam, where shuffled labels rise almost as much"
        ),
        note=(
            "shuffled labels rise almost as much; what a decoder proves does rise where the net"
            " learns fast enough"
        ),
    ),
)

TITLES = (
    (
        "fig1a",
        "Fig. 1a",
        "intermediate differential values during training",
        (BASE,),
        learning.fig1a,
    ),
    (
        "fig1b",
        "Fig. 1b",
        "mean weight change of W1 and W2 during training",
        (BASE,),
        learning.fig1b,
    ),
    (
        "fig2",
        "Fig. 2",
        "learning curves by size of the hidden layer, train and test, cost and accuracy",
        (BASE,),
        learning.fig2,
    ),
    (
        "fig3",
        "Fig. 3",
        "backprop, no weight transport, no derivative, neither; and the controls",
        (BASE, RULES),
        learning.fig3,
    ),
    (
        "fig5",
        "Fig. 5",
        "a random backward pass with probability p",
        (BASE, RULES, STOCHASTIC),
        learning.fig5,
    ),
    ("fig7", "Fig. 7", "how an image becomes the bit strings Y and Z", (BASE,), bits.fig7),
    ("fig8a", "Fig. 8a", "H(Y|X) over training for all sizes", (BASE,), bits.fig8a),
    ("fig8b", "Fig. 8b", "H(Y|X) against H(Z|X), 15 units", (BASE,), bits.fig8b),
    ("fig9a", "Fig. 9a", "I(Y;X) over training for all sizes", (BASE,), bits.fig9a),
    ("fig9b", "Fig. 9b", "I(Y;X) against I(Z;X), 15 units", (BASE,), bits.fig9b),
    ("fig10a", "Fig. 10a", "I(Y;W), W the brightest quadrant, all sizes", (BASE,), bits.fig10a),
    ("fig10b", "Fig. 10b", "I(Y;W) against I(Z;W), 15 units", (BASE,), bits.fig10b),
    (
        "fig11",
        "Fig. 11",
        "autoencoder: inputs, 50-unit codes, reconstructions",
        (AUTOENCODER,),
        bits.fig11,
    ),
    ("fig12", "Fig. 12", "autoencoder: I(Y;W) and MSE over training", (AUTOENCODER,), bits.fig12),
)

DRAWINGS = (
    *(
        Drawing(f"brain_models/{name}", where, what, configs, draw)
        for name, where, what, configs, draw in TITLES
    ),
    Drawing(
        "beyond/more_rules",
        "",
        "feedback alignment, direct feedback alignment, sign symmetry, Oja, SoftHebb beside the"
        " frozen-layer control",
        (DEEP,),
        learning.more_rules,
    ),
    Drawing(
        "beyond/bias_aware_information",
        "",
        "the plug-in estimator beside its shuffle baseline, ceiling and bracket",
        (BASE,),
        bits.bias_aware_information,
    ),
    Drawing(
        "beyond/masking_demo",
        "",
        "feedback nets attacked along their training gradient and along their true gradient",
        (MASKING,),
        masking_demo,
    ),
)
