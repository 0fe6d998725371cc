"""What the paper claims of how the log net thinks: on w2, on the lines that hidden values follow,
and on perturbations of its images.

Where the paper gives no number the bar is ours and stands in `accepted`: it was set before the
measure was computed here, knowing what a feasibility study had found.
"""

from __future__ import annotations

from functools import partial
from math import inf

from bioexp.papers.log_net.measures import (
    label_pairs,
    median_angle,
    median_r2,
    median_slope,
    named_class,
    random_pairs,
    residual_structure,
    sawtooth,
    separability,
)
from bioexp.papers.log_net.perturbations import (
    exponential_fit,
    predicted_reach,
    shielding,
    staleness,
)
from bioexp.papers.measuring import accuracy, each, less, robust, survived
from bioexp.papers.paper import Claim, Control, Note, fails, holds

CHAPTER = "Understanding How the Log Network Thinks"
PERTURBATIONS = "Effect of Perturbations"

UNDERSTANDING = (
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
        measure=less(
            sawtooth(schedule="decreasing", regularization="weak"),
            sawtooth(schedule="constant", regularization="none"),
        ),
        controls=(
            Control(
                "constant 0.1, no regularization",
                sawtooth(schedule="constant", regularization="none"),
            ),
            Control(
                "decreasing, no regularization",
                sawtooth(schedule="decreasing", regularization="none"),
            ),
            Control(
                "constant 0.003, no regularization: stopped early from a large w2",
                sawtooth(schedule="slow", regularization="none"),
            ),
            Control(
                "constant 0.003, no regularization, small initial w2",
                sawtooth(start="small", schedule="slow", regularization="none"),
            ),
        ),
        notes=(
            Note(
                "the sawtooth is there with a constant rate and no regularization too; it is "
                "missing only where a large w2 was hardly trained",
                fails,
            ),
        ),
    ),
    Claim(
        id="log_net/sawtooth_perturbations",
        kind="claim",
        where=CHAPTER,
        what="with a sawtooth w2 the perturbations needed to fool the net are more intense",
        measured=(
            "share of rightly classified images that survive the attacks, mean over eps: sawtooth"
            " net less non-sawtooth net"
        ),
        accepted=(0.0, inf),
        experiments=("log_net_control", "log_net_control_constant"),
        measure=less(each("log_net_control", survived), each("log_net_control_constant", survived)),
        controls=(Control("the net without sawtooth", each("log_net_control_constant", survived)),),
        notes=(Note("the net with the sawtooth is not harder to fool", fails),),
        flagged=("log_net_control", "log_net_control_constant"),
    ),
    Claim(
        id="log_net/w2_names_prototypes",
        kind="claim",
        where="Fig. 8",
        what="in the jointly trained net too, w2 predicts the class of a prototype",
        measured=(
            "share of prototypes whose largest w2 is at the class whose mean they resemble most"
            " (chance 0.1)"
        ),
        accepted=(0.5, 1.0),
        experiments=("log_net", "log_net_joint"),
        measure=each("log_net", named_class),
        controls=(Control("trained jointly by Adam", each("log_net_joint", named_class)),),
        notes=(
            Note("w2 names fewer than half of the prototypes rightly", fails),
            Note("in the net trained by SGD; trained by Adam, w2 names few", holds),
        ),
    ),
    Claim(
        id="log_net/parallel_lines",
        kind="claim",
        where="Fig. 10",
        what=(
            "clusters of two labels lie on parallel lines in x2 and are linearly separable; not so"
            " for relu"
        ),
        measured="median angle in degrees between the lines of two labels, 45 pairs, control net",
        accepted=(0.0, 10.0),
        experiments=("log_net_control", "relu_net"),
        measure=each("log_net_control", partial(median_angle, label_pairs)),
        controls=(
            Control(
                "RANDOM positive weights behind the log: more parallel still, so nothing learned",
                each("log_net_control", partial(median_angle, random_pairs)),
            ),
            Control("the relu net", each("relu_net", partial(median_angle, label_pairs))),
            Control(
                "share separated by a line, control net",
                each("log_net_control", partial(separability, label_pairs)),
            ),
            Control(
                "share separated by a line, random weights",
                each("log_net_control", partial(separability, random_pairs)),
            ),
            Control(
                "share separated by a line, relu net",
                each("relu_net", partial(separability, label_pairs)),
            ),
        ),
        notes=(
            Note("the lines of two labels are not parallel", fails),
            Note(
                "nothing learned: with random positive weights the lines are more parallel "
                "still, as total ink scales every dot product",
                holds,
            ),
        ),
    ),
    Claim(
        id="log_net/residuals_random",
        kind="claim",
        where="Fig. 11",
        what="residuals of the fitted lines look random",
        measured=(
            "share of their variance explained by the place along the line (about 0.01 if random),"
            " median over lines"
        ),
        accepted=(0.0, 0.05),
        experiments=("log_net_control",),
        measure=each("log_net_control", residual_structure),
        notes=(
            Note(
                "residuals bend along the line: what the paper calls a small slope is a trend "
                "in most clusters",
                fails,
            ),
        ),
    ),
    Claim(
        id="log_net/power_law",
        kind="claim",
        where=CHAPTER,
        what="first-layer projections follow a power law; its exponent",
        measured=(
            "squared correlation of log projections, median over labels and pairs, control net"
        ),
        accepted=(0.5, 1.0),
        experiments=("log_net_control",),
        measure=each("log_net_control", partial(median_r2, label_pairs)),
        controls=(
            Control(
                "its exponent, the lines' median slope: 1 is plain proportionality",
                each("log_net_control", partial(median_slope, label_pairs)),
            ),
            Control(
                "squared correlation with random positive weights",
                each("log_net_control", partial(median_r2, random_pairs)),
            ),
        ),
        notes=(
            Note("a power law explains less than half of the variance", fails),
            Note(
                "its exponent is 1, plain proportionality, and random weights follow it more "
                "closely",
                holds,
            ),
        ),
    ),
    Claim(
        id="log_net/small_interval",
        kind="claim",
        where="Fig. 13",
        what="predicted and measured dx3 agree only over a small interval",
        measured=(
            "largest perturbation (1: the brightest pixel) up to which log(1+dx3/x3) is within 5 %,"
            " control net"
        ),
        accepted=(0.0, 0.5),
        experiments=("log_net_control", "log_net_joint"),
        measure=each("log_net_control", partial(predicted_reach, "log(1+dx3/x3)")),
        controls=(
            Control(
                "the plain first-order sum, without the paper's logarithm",
                each("log_net_control", partial(predicted_reach, "first order")),
            ),
            Control(
                "log(1+dx3/x3) in the jointly trained net",
                each("log_net_joint", partial(predicted_reach, "log(1+dx3/x3)")),
            ),
        ),
        notes=(
            Note("the prediction holds over most of the range of a pixel", fails),
            Note(
                "but for its own reason: the plain first-order sum, without the paper's "
                "logarithm, holds over the whole range of a pixel",
                holds,
            ),
        ),
    ),
    Claim(
        id="log_net/exponential_growth",
        kind="claim",
        where=PERTURBATIONS,
        what="x3 grows as exp(t) when small perturbations are iterated",
        measured=(
            "R2 of a straight line through log x3 against t, 20 equal steps of 0.01, median over"
            " images, control net"
        ),
        accepted=(0.99, 1.0),
        experiments=("log_net_control", "log_net_joint"),
        measure=each("log_net_control", exponential_fit),
        controls=(Control("the jointly trained net", each("log_net_joint", exponential_fit)),),
        notes=(Note("log x3 bends away from a straight line", fails),),
    ),
    Claim(
        id="log_net/large_projection_shields",
        kind="claim",
        where=PERTURBATIONS,
        what="prototypes with a large dot product propagate perturbations less",
        measured=(
            "rank correlation of w1[j].x1 with |change of x2[j]| under small noise, control net"
        ),
        accepted=(-1.0, -0.1),
        experiments=("log_net_control", "log_net"),
        measure=each("log_net_control", shielding),
        controls=(Control("log_net", each("log_net", shielding)),),
        notes=(Note("a large dot product does not go with a small change", fails),),
    ),
    Claim(
        id="log_net/gradient_goes_stale",
        kind="claim",
        where=PERTURBATIONS,
        what="the input gradient becomes a bad approximation sooner than for relu",
        measured=(
            "cosine of the input gradient before and after a step of 0.1: relu net less log net"
        ),
        accepted=(0.0, inf),
        experiments=("log_net", "relu_net", "log_net_joint"),
        measure=less(each("relu_net", staleness), each("log_net", staleness)),
        controls=(
            Control("cosine, log net", each("log_net", staleness)),
            Control("cosine, relu net", each("relu_net", staleness)),
            Control("cosine, jointly trained log net", each("log_net_joint", staleness)),
        ),
        notes=(Note("the log net's gradient turns less than the relu net's", fails),),
    ),
    Claim(
        id="log_net/robust",
        kind="claim",
        where="Conclusion",
        what="the log net resists perturbations that fool ordinary nets",
        measured="robust accuracy at eps 0.1 (noise, FGSM, PGD, transfer), log_net less relu_net",
        accepted=(0.0, inf),
        experiments=(
            "log_net",
            "relu_net",
            "relu_net_early",
            "log_net_no_log",
            "class_mean",
            "log_net_joint",
            "log_net_unconstrained",
        ),
        measure=less(each("log_net", robust), each("relu_net", robust)),
        controls=(
            Control("log_net", each("log_net", robust), ("log_net",)),
            Control("relu net", each("relu_net", robust), ("relu_net",)),
            Control("relu net, stopped early", each("relu_net_early", robust), ("relu_net_early",)),
            Control("its accuracy on all clean test images", each("relu_net_early", accuracy)),
            Control("that of log_net", each("log_net", accuracy)),
            Control(
                "log_net's w1 with the log REMOVED, so the log is not needed at inference",
                each("log_net_no_log", robust),
                ("log_net_no_log",),
            ),
            Control(
                "nearest class mean, a linear classifier",
                each("class_mean", robust),
                ("class_mean",),
            ),
            Control(
                "the jointly trained log net, which is accurate",
                each("log_net_joint", robust),
                ("log_net_joint",),
            ),
            Control(
                "the unconstrained log net, which is accurate",
                each("log_net_unconstrained", robust),
                ("log_net_unconstrained",),
            ),
        ),
        notes=(
            Note("the log net is not more robust than the relu net", fails),
            Note(
                "true of the prototype-like net only, not for being less accurate (a relu net "
                "stopped there is not robust), and not for its log: the same w1 without it, and"
                " the nearest class mean, are as robust; the accurate log nets are less robust "
                "than relu",
                holds,
            ),
        ),
        flagged=("log_net", "relu_net", "relu_net_early"),
    ),
)
