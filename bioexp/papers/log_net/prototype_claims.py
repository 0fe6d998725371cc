"""What the paper claims of its weights: prototypes, and the sawtooth of w2 that names them."""

from __future__ import annotations

from math import inf

from bioexp.measures.estimators import exact
from bioexp.papers.log_net.nets import ACCURATE, READABLE, WORDS, of, readings
from bioexp.papers.log_net.prototypes import (
    RATES,
    at_the_best_rate,
    average_over_minimizer,
    blob,
    decades,
    mixture,
    named_by_chance,
    named_class,
    no_prototypes,
    own_class,
    sawtooth,
    score,
    size_tells,
)
from bioexp.papers.measuring import accuracy, each, less
from bioexp.papers.nulls import exchanged, shuffled, untrained
from bioexp.papers.paper import Claim, Control, Note, Reading, fails

STRUCTURE = "Structure of the Network and Learning Procedure"
ABOUT = "About Linearity and Non-Linearity of Neural Networks"
CHAPTER = "Understanding How the Log Network Thinks"
OTHERS = tuple(net for net in WORDS if net != READABLE)
PRINTED, BY_SGD = "log_net_unconstrained_printed", "log_net_unconstrained_sgd"
SAW = sawtooth(schedule="decreasing", regularization="weak")
NO_SAW = sawtooth(schedule="constant", regularization="none")
WITHOUT_LOG = at_the_best_rate(score)


def like_digits(net):
    """How much more a net's rows look like digits than what is no prototype."""
    return less(each(net, score), each(net, no_prototypes))


PROTOTYPES = (
    Claim(
        id="log_net/magnitudes",
        kind="claim",
        where=STRUCTURE,
        what="without constraints the w1[j] end on different orders of magnitude, which affects w2",
        measured=(
            "orders of magnitude between the 5th and the 95th percentile of |w1[j]|, unconstrained"
            " net by gradient descent on -x3[y]"
        ),
        accepted=(1.0, inf),
        experiments=(PRINTED, BY_SGD, ACCURATE, "log_net"),
        measure=each(PRINTED, decades),
        parts=(
            Reading(
                "which affects w2: rank correlation of |w1[j]| with |w2[:,j]|, its size",
                each(PRINTED, size_tells),
                (0.3, 1.0),
                name="tells",
            ),
        ),
        readings=(
            Reading(
                "by gradient descent on cross-entropy",
                each(BY_SGD, decades),
                (1.0, inf),
                name="sgd",
            ),
            Reading("by Adam on cross-entropy", each(ACCURATE, decades), (1.0, inf), name="adam"),
        ),
        decides="the text speaks of gradient descent, and -x3 is the loss that it prints",
        controls=(Control("the constrained net, log_net", each("log_net", decades)),),
        null=Control("before training", untrained(each(PRINTED, decades))),
        notes=(
            Note(
                "{measured:.2f} orders of magnitude as printed, {sgd:.2f} by gradient descent on"
                " cross-entropy, {adam:.2f} by Adam"
            ),
        ),
    ),
    Claim(
        id="log_net/joint_equals_heuristic",
        kind="claim",
        where="Fig. 5",
        what=(
            "joint and heuristic training give qualitatively similar w1 (correlation with class"
            " means)"
        ),
        measured=(
            "mean best correlation of w1 with a class mean, the mean of all projected out, less the"
            " best of what is no prototype (a blob, single images, means of 20 of any class); SGD"
        ),
        accepted=(0.05, inf),
        experiments=(READABLE, *OTHERS),
        measure=like_digits("log_net"),
        readings=readings(READABLE, like_digits, (0.05, inf)),
        decides="by gradient descent, as in the paper, with a large step for w2",
        controls=(
            Control("trained jointly by SGD", each("log_net", score), name="sgd"),
            Control("by the heuristic", each("log_net_control", score), name="heuristic"),
            Control("a Gaussian blob", each("log_net", blob), name="blob"),
            Control("single training images", each("log_net", mixture(1)), name="image"),
            Control("means of 20 images of any class", each("log_net", mixture(20)), name="mixed"),
        ),
        null=Control("before training", untrained(like_digits("log_net"))),
        notes=(
            Note(
                "{sgd:.2f} by SGD against {heuristic:.2f} by the heuristic, {blob:.2f} of a blob"
                " and {image:.2f} of single images"
            ),
            Note(
                "trained by Adam, which is more accurate, the rows look less like digits than a"
                " blob does ({joint:.2f})",
                lambda n: n["joint"].value < 0,
            ),
        ),
    ),
    Claim(
        id="log_net/average_minimises",
        kind="claim",
        where=STRUCTURE,
        what="-x2[j] is minimized when w1[j] is about the average image of its class",
        measured=(
            "-x2 at w1 = 1 on every pixel the class ever lights, less -x2 at the class average"
            " (scaled to largest weight 1)"
        ),
        accepted=(0.0, inf),
        estimator=exact,
        experiments=("log_net_control",),
        measure=each("log_net_control", average_over_minimizer),
        null=Control("shuffled labels", shuffled(each("log_net_control", average_over_minimizer))),
        notes=(
            Note(
                "at 1 on every pixel ever lit the loss is {measured:+.2f} of that at the average,"
                " which is an early stop on the way",
                lambda n: n["measured"].value < 0,
            ),
        ),
    ),
    Claim(
        id="log_net/nonlinearity_favours_prototypes",
        kind="claim",
        where=ABOUT,
        what=(
            "the non-linearity favors prototypes (same constrained net trained with and without the"
            " log)"
        ),
        measured=(
            "mean best correlation of w1 with a class mean, the mean of all projected out: with the"
            " log less without, both by SGD, without at the rate that trains best"
        ),
        accepted=(0.1, inf),
        experiments=("log_net", *RATES, "log_net_joint", "log_net_linear"),
        measure=less(each("log_net", score), WITHOUT_LOG),
        readings=(
            Reading(
                "both trained by Adam",
                less(each("log_net_joint", score), each("log_net_linear", score)),
                (0.1, inf),
                name="adam",
            ),
        ),
        decides="by gradient descent, as in the paper",
        controls=(
            Control("with the log, by SGD", each("log_net", score), name="with_log"),
            Control("without the log, by SGD", WITHOUT_LOG, name="without"),
            Control("accuracy with the log", each("log_net", accuracy), name="accuracy"),
            Control("accuracy without the log", at_the_best_rate(accuracy), name="other"),
            Control("with the log, by Adam", each("log_net_joint", score)),
            Control("without the log, by Adam", each("log_net_linear", score)),
        ),
        null=Control("with and without exchanged", exchanged(each("log_net", score), WITHOUT_LOG)),
        notes=(
            Note(
                "{with_log:.2f} at an accuracy of {accuracy:.3f} with the log, {without:.2f} at"
                " {other:.3f} without"
            ),
            Note(
                "by Adam rows are more digit-like without the log ({adam:+.2f})",
                lambda n: n["adam"].value < 0,
            ),
        ),
    ),
    Claim(
        id="log_net/sawtooth",
        kind="claim",
        where=CHAPTER,
        what=(
            "argmax_i w2[i,j] is prototype j's class with a decreasing learning rate and weak"
            " regularization, not with a constant one"
        ),
        measured=(
            "share of prototypes that w2 gives to their own class: decreasing and regularized less"
            " constant and not, same first rate"
        ),
        accepted=(0.3, inf),
        experiments=("log_net_sawtooth", "log_net_control"),
        measure=less(SAW, NO_SAW),
        controls=(
            Control("constant 0.1, no regularization", NO_SAW, name="constant"),
            Control("decreasing, weak regularization", SAW, name="decreasing"),
            Control(
                "decreasing, no regularization",
                sawtooth(schedule="decreasing", regularization="none"),
            ),
            Control(
                "constant 0.003, no regularization: stopped early from a large w2",
                sawtooth(schedule="slow", regularization="none"),
                name="slow",
            ),
            Control(
                "constant 0.003, no regularization, small initial w2",
                sawtooth(start="small", schedule="slow", regularization="none"),
            ),
        ),
        null=Control("w2 before training", untrained(less(SAW, NO_SAW))),
        notes=(
            Note(
                "with a constant rate and no regularization {constant:.2f} of them, with both"
                " {decreasing:.2f}; a large w2 that is hardly trained has {slow:.2f}"
            ),
        ),
    ),
    Claim(
        id="log_net/w2_names_prototypes",
        kind="claim",
        where="Fig. 8",
        what="in the jointly trained net too, w2 predicts the class of a prototype",
        measured=(
            "share of prototypes whose largest w2 is at the class whose mean they resemble most,"
            " the mean of all projected out (chance 0.1)"
        ),
        accepted=(0.5, 1.0),
        experiments=(READABLE, *OTHERS),
        measure=each("log_net", named_class),
        readings=readings(READABLE, of(named_class), (0.5, 1.0)),
        decides="its rows are those that look like digits",
        controls=(
            Control(
                "the net of the heuristic, by its own labels", each("log_net_control", own_class)
            ),
        ),
        null=Control("columns of w2 in any order", each("log_net", named_by_chance)),
        notes=(
            Note("w2 names {measured:.0%} of them, {joint:.0%} in the net trained by Adam"),
            Note("fewer than half of the prototypes are named ({measured:.0%})", fails),
        ),
    ),
)
