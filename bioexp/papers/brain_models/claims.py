"""What the paper shows and claims: one entry for each row of the ledger, and three figures beyond
it.

The paper gives no numbers. The bars in `accepted` are ours: they were set before the measures were
computed here, knowing what a feasibility study had found. A claim is judged under the printed
settings (R); the same measure under those of the program that matches the paper (Q) stands first
among its controls. Claims on information have a file of their own.
"""

from __future__ import annotations

from math import inf

from bioexp.papers.brain_models import figures
from bioexp.papers.brain_models import information_figures as information
from bioexp.papers.brain_models.information_claims import INFORMATION_CLAIMS
from bioexp.papers.brain_models.masking import masking_demo
from bioexp.papers.brain_models.measures import (
    AUTOENCODER,
    BASE,
    DEEP,
    MASKING,
    RULES,
    STOCHASTIC,
    by_rule,
    by_size,
    faster,
    gains,
    left,
    left_of_w2,
    lost,
    random_backward,
)
from bioexp.papers.paper import Claim, Control, Drawing, Note, fails, holds

BACKPROP = "1.1 How does the algorithm work?"
TRANSPORT = "1.2.1 Weight Transport"
DERIVATIVE = "1.2.2 Derivative of Activation Function"
PHASES = "1.2.3 Two Phase Learning"

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
        notes=(
            Note("the changes of W2 do not shrink more than those of W1", fails),
            Note(
                "true of the printed settings, where the changes of W1 grow as its units leave "
                "saturation; in Q both shrink alike",
                holds,
            ),
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
        notes=(
            Note("some larger layer is not ahead of the next smaller one at step 1,000", fails),
            Note("at every doubling, in Q too", holds),
        ),
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
        measure=faster("R", "feedback"),
        controls=(
            Control("the same in Q", faster("Q", "feedback")),
            Control(
                "feedback ten times smaller, B ~ N(0, 0.1^2), R", faster("R", "small_feedback")
            ),
            Control("feedback ten times smaller, Q", faster("Q", "small_feedback")),
            Control("feedback drawn anew at every step, R", faster("R", "redrawn_feedback")),
            Control("feedback drawn anew at every step, Q", faster("Q", "redrawn_feedback")),
            Control(
                "frozen hidden layer, R",
                faster("R", "frozen_hidden"),
            ),
            Control(
                "frozen hidden layer, Q",
                faster("Q", "frozen_hidden"),
            ),
        ),
        notes=(
            Note("feedback alignment lags behind backprop", fails),
            Note(
                "of fixed feedback that is much larger than W2, which is a larger step for W1; "
                "drawn anew at every step it is no better than a frozen hidden layer, or worse",
                holds,
            ),
        ),
        draw=figures.alignment,
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
        notes=(
            Note("without the derivative it is not inferior", fails),
            Note(
                "of the printed settings only, where it is hardly better than a frozen hidden "
                "layer: what takes place is learning of the read-out; in Q it is better than "
                "backprop",
                holds,
            ),
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
        measure=random_backward("R", "ones-0.2"),
        controls=(
            Control("the same in Q", random_backward("Q", "ones-0.2")),
            Control("with probability 0.001, R", random_backward("R", "ones-0.001")),
            Control("with probability 0.001, Q", random_backward("Q", "ones-0.001")),
            Control("dL/dZ ~ N(0, 1), probability 0.2, R", random_backward("R", "noise-0.2")),
            Control("dL/dZ ~ N(0, 1), probability 0.2, Q", random_backward("Q", "noise-0.2")),
            Control(
                "hidden update skipped with probability 0.8, R",
                random_backward("R", "skip-0.8"),
            ),
            Control(
                "hidden update skipped with probability 0.8, Q",
                random_backward("Q", "skip-0.8"),
            ),
        ),
        notes=(
            Note("the net learns in spite of it", fails),
            Note(
                "by its sign, not by its randomness: the constant lowers every weight until no "
                "unit is active, in R even with a probability of 0.001; without it (skipped "
                "updates) the net learns, little slower",
                holds,
            ),
        ),
    ),
    *INFORMATION_CLAIMS,
)

FIGURES = (  # name, place, what it shows, experiments, how it is drawn
    (
        "fig1a",
        "Fig. 1a",
        "intermediate differential values during training",
        (BASE,),
        figures.fig1a,
    ),
    (
        "fig1b",
        "Fig. 1b",
        "mean weight change of W1 and W2 during training",
        (BASE,),
        figures.fig1b,
    ),
    (
        "fig2",
        "Fig. 2",
        "learning curves by size of the hidden layer, train and test, cost and accuracy",
        (BASE,),
        figures.fig2,
    ),
    (
        "fig3",
        "Fig. 3",
        "backprop, no weight transport, no derivative, neither; and the controls",
        (BASE, RULES),
        figures.fig3,
    ),
    (
        "fig5",
        "Fig. 5",
        "a random backward pass with probability p",
        (BASE, RULES, STOCHASTIC),
        figures.fig5,
    ),
    ("fig7", "Fig. 7", "how an image becomes the bit strings Y and Z", (BASE,), information.fig7),
    ("fig8a", "Fig. 8a", "H(Y|X) over training for all sizes", (BASE,), information.fig8a),
    ("fig8b", "Fig. 8b", "H(Y|X) against H(Z|X), 15 units", (BASE,), information.fig8b),
    ("fig9a", "Fig. 9a", "I(Y;X) over training for all sizes", (BASE,), information.fig9a),
    ("fig9b", "Fig. 9b", "I(Y;X) against I(Z;X), 15 units", (BASE,), information.fig9b),
    (
        "fig10a",
        "Fig. 10a",
        "I(Y;W), W the brightest quadrant, all sizes",
        (BASE,),
        information.fig10a,
    ),
    ("fig10b", "Fig. 10b", "I(Y;W) against I(Z;W), 15 units", (BASE,), information.fig10b),
    (
        "fig11",
        "Fig. 11",
        "autoencoder: inputs, 50-unit codes, reconstructions",
        (AUTOENCODER,),
        information.fig11,
    ),
    (
        "fig12",
        "Fig. 12",
        "autoencoder: I(Y;W) and MSE over training",
        (AUTOENCODER,),
        information.fig12,
    ),
)

DRAWINGS = (
    *(
        Drawing(f"brain_models/{name}", where, what, experiments, draw)
        for name, where, what, experiments, draw in FIGURES
    ),
    Drawing(
        "beyond/more_rules",
        "",
        "feedback alignment, direct feedback alignment, sign symmetry, Oja, SoftHebb beside the"
        " frozen-layer control",
        (DEEP,),
        figures.more_rules,
    ),
    Drawing(
        "beyond/bias_aware_information",
        "",
        "the plug-in estimator beside its shuffle baseline, ceiling and bracket",
        (BASE,),
        information.bias_aware_information,
    ),
    Drawing(
        "beyond/masking_demo",
        "",
        "feedback nets attacked along their training gradient and along their true gradient",
        (MASKING,),
        masking_demo,
    ),
)
