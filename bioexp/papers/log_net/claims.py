"""What the log network's document shows and claims: one entry for each row of the ledger.

Where the document gives no number the bar is ours and stands in `accepted`: it was set before the
measure was computed here, knowing what a feasibility study had found.
"""

from __future__ import annotations

from functools import partial
from math import inf

from bioexp.papers.log_net import figures
from bioexp.papers.log_net.measures import (
    average_over_minimizer,
    decades,
    exponential_fit,
    label_pairs,
    linearized_accuracy,
    lost,
    median_angle,
    median_r2,
    median_slope,
    most_frequent,
    named_class,
    predicted_reach,
    random_pairs,
    residual_structure,
    sawtooth,
    score,
    separability,
    shielding,
    staleness,
)
from bioexp.papers.measuring import accuracy, each, less, robust, survived
from bioexp.papers.paper import Claim, Control, Drawing

ABOUT = "About Linearity and Non-Linearity of Neural Networks"
UNDERSTANDING = "Understanding How the Log Network Thinks"
STRUCTURE = "Structure of the Network and Learning Procedure"
PERTURBATIONS = "Effect of Perturbations"

CLAIMS = (
    Claim(
        id="log_net/acc_log",
        kind="number",
        share=True,
        where=ABOUT,
        what="test accuracy of the log net",
        measured="test accuracy of the unconstrained net",
        expected=0.9178,
        accepted=(0.9078, 0.9278),
        experiments=(
            "log_net_unconstrained",
            "log_net",
            "log_net_balanced",
            "log_net_joint",
            "log_net_control",
            "log_net_printed_loss",
        ),
        measure=each("log_net_unconstrained", accuracy),
        controls=(
            Control(
                "the constrained net whose weights look like digits", each("log_net", accuracy)
            ),
            Control(
                "the constrained net with the loss as printed, -x3[y]",
                each("log_net_printed_loss", accuracy),
            ),
        ),
        why="another accuracy than the document's",
        note=(
            "its width and length were picked near the printed number, so the agreement is no"
            " evidence, and its weights show no digits"
        ),
    ),
    Claim(
        id="log_net/acc_log_linearised",
        kind="number",
        share=True,
        where=ABOUT,
        what=(
            "test accuracy of the log net with the log dropped (0.0958 is the share of sixes in the"
            " test set)"
        ),
        measured="test accuracy of the unconstrained net's weights without log|.|",
        expected=0.0958,
        accepted=(0.0658, 0.1258),
        experiments=("log_net_unconstrained", "log_net"),
        measure=each("log_net_unconstrained", linearized_accuracy),
        controls=(
            Control(
                "share of test images given to the favorite class (1 would be a constant answer)",
                each("log_net_unconstrained", most_frequent),
            ),
            Control("the constrained net, log_net", each("log_net", linearized_accuracy)),
        ),
        why=(
            "near chance as in the document, but not at its value: the net never used the sign of"
            " w.x, so without |.| it is almost random"
        ),
    ),
    Claim(
        id="log_net/acc_relu",
        kind="number",
        share=True,
        where=ABOUT,
        what="test accuracy of the relu net",
        measured="test accuracy",
        expected=0.966,
        accepted=(0.956, 0.976),
        experiments=("relu_net",),
        measure=each("relu_net", accuracy),
    ),
    Claim(
        id="log_net/acc_relu_linearised",
        kind="number",
        share=True,
        where=ABOUT,
        what="test accuracy of the relu net with the relu dropped, same net",
        measured="test accuracy of the same weights without relu",
        expected=0.895,
        accepted=(0.875, 0.915),
        experiments=("relu_net",),
        measure=each("relu_net", linearized_accuracy),
        why=(
            "linearized accuracy falls steadily with training, so it tells when training stopped;"
            " at 0.96 the relu net has lost more"
        ),
    ),
    Claim(
        id="log_net/magnitudes",
        kind="claim",
        where=STRUCTURE,
        what="without constraints the w1[j] end on different orders of magnitude, which affects w2",
        measured=(
            "orders of magnitude between the 5th and the 95th percentile of |w1[j]|,"
            " unconstrained net"
        ),
        accepted=(1.0, inf),
        experiments=("log_net_unconstrained", "log_net"),
        measure=each("log_net_unconstrained", decades),
        controls=(Control("the constrained net, log_net", each("log_net", decades)),),
        why="the norms of the rows stay within one order of magnitude of each other",
    ),
    Claim(
        id="log_net/joint_equals_heuristic",
        kind="claim",
        where="Fig. 5",
        what=(
            "joint and heuristic training give qualitatively similar w1 (correlation with class"
            " means)"
        ),
        measured="mean best correlation of w1 with a class mean, trained jointly by SGD (log_net)",
        accepted=(0.75, 1.0),
        experiments=("log_net", "log_net_control", "log_net_joint"),
        measure=each("log_net", score),
        controls=(
            Control("the control heuristic", each("log_net_control", score)),
            Control(
                "trained jointly by Adam, which is more accurate", each("log_net_joint", score)
            ),
        ),
        why="jointly trained rows resemble class means less than the bar asks",
        note=(
            "by SGD with a large step for w2; trained by Adam, which is more accurate, the rows do"
            " not resemble class means at all"
        ),
    ),
    Claim(
        id="log_net/average_minimises",
        kind="claim",
        where=STRUCTURE,
        what="-x2[j] is minimised when w1[j] is about the average image of its class",
        measured=(
            "-x2 at w1 = 1 on every pixel the class ever lights, less -x2 at the class average"
            " (scaled to largest weight 1)"
        ),
        accepted=(0.0, inf),
        experiments=("log_net_control",),
        measure=each("log_net_control", average_over_minimizer),
        why=(
            "the loss only falls as weights grow: it is least at 1 on every pixel ever lit, and the"
            " average is an early stop on the way"
        ),
    ),
    Claim(
        id="log_net/nonlinearity",
        kind="claim",
        where=ABOUT,
        what=(
            "a relu net is almost linear, the log net strongly non-linear (accuracy lost when"
            " linearised)"
        ),
        measured="accuracy lost when linearized: unconstrained log net less relu net",
        accepted=(0.3, inf),
        experiments=("log_net_unconstrained", "relu_net", "log_net"),
        measure=less(each("log_net_unconstrained", lost), each("relu_net", lost)),
        controls=(
            Control("lost by the relu net", each("relu_net", lost)),
            Control("lost by the constrained, interpretable log net", each("log_net", lost)),
        ),
        why="the log net does not lose much more than the relu net",
        note=(
            "true of the unconstrained net; the constrained, interpretable one loses less than the"
            " relu net"
        ),
    ),
    Claim(
        id="log_net/nonlinearity_favours_prototypes",
        kind="claim",
        where=ABOUT,
        what=(
            "the non-linearity favours prototypes (same constrained net trained with and without"
            " the log)"
        ),
        measured=(
            "mean best correlation of w1 with a class mean, with the log less without, both trained"
            " by Adam"
        ),
        accepted=(0.1, inf),
        experiments=("log_net_joint", "log_net_linear", "log_net"),
        measure=less(each("log_net_joint", score), each("log_net_linear", score)),
        controls=(
            Control("with the log, by Adam", each("log_net_joint", score)),
            Control("without the log, by Adam", each("log_net_linear", score)),
            Control(
                "with the log, by SGD with a large step for w2 (without the log those rates do not"
                " train)",
                each("log_net", score),
            ),
        ),
        why=(
            "by the same optimizer, rows are more digit-like without the log; it is SGD with a"
            " large step for w2 that makes prototypes"
        ),
    ),
    Claim(
        id="log_net/sawtooth",
        kind="claim",
        where=UNDERSTANDING,
        what=(
            "argmax_i w2[i,j] is prototype j's class with a decreasing learning rate and weak"
            " regularisation, not with a constant one"
        ),
        measured=(
            "share of prototypes that w2 gives to their own class: decreasing and regularized less"
            " constant and not, same first rate"
        ),
        accepted=(0.3, inf),
        experiments=("log_net_sawtooth", "log_net_control"),
        measure=less(sawtooth(0.1, 0.001, 1e-4), sawtooth(0.1, 1.0, 0.0)),
        controls=(
            Control("constant 0.1, no regularization", sawtooth(0.1, 1.0, 0.0)),
            Control("decreasing, no regularization", sawtooth(0.1, 0.001, 0.0)),
            Control(
                "constant 0.003, no regularization: stopped early from a large w2",
                sawtooth(0.003, 1.0, 0.0),
            ),
            Control(
                "constant 0.003, no regularization, small initial w2",
                sawtooth(0.003, 1.0, 0.0, below=0.23),
            ),
        ),
        why=(
            "the sawtooth is there with a constant rate and no regularization too; it is missing"
            " only where a large w2 was hardly trained"
        ),
    ),
    Claim(
        id="log_net/sawtooth_perturbations",
        kind="claim",
        where=UNDERSTANDING,
        what="with a sawtooth w2 the perturbations needed to fool the net are more intense",
        measured=(
            "share of rightly classified images that survive the attacks, mean over eps: sawtooth"
            " net less non-sawtooth net"
        ),
        accepted=(0.0, inf),
        experiments=("log_net_control", "log_net_control_constant"),
        measure=less(each("log_net_control", survived), each("log_net_control_constant", survived)),
        controls=(Control("the net without sawtooth", each("log_net_control_constant", survived)),),
        why="the net with the sawtooth is not harder to fool",
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
        why="w2 names fewer than half of the prototypes rightly",
        note="in the net trained by SGD; trained by Adam, w2 names few",
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
        why="the lines of two labels are not parallel",
        note=(
            "nothing learned: with random positive weights the lines are more parallel still, as"
            " total ink scales every dot product"
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
        why=(
            "residuals bend along the line: what the document calls a small slope is a trend in"
            " most clusters"
        ),
    ),
    Claim(
        id="log_net/power_law",
        kind="claim",
        where=UNDERSTANDING,
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
        why="a power law explains less than half of the variance",
        note="its exponent is 1, plain proportionality, and random weights follow it more closely",
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
                "the plain first-order sum, without the document's logarithm",
                each("log_net_control", partial(predicted_reach, "first order")),
            ),
            Control(
                "log(1+dx3/x3) in the jointly trained net",
                each("log_net_joint", partial(predicted_reach, "log(1+dx3/x3)")),
            ),
        ),
        why="the prediction holds over most of the range of a pixel",
        note=(
            "but for its own reason: the plain first-order sum, without the document's logarithm,"
            " holds over the whole range of a pixel"
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
        why="log x3 bends away from a straight line",
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
        why="a large dot product does not go with a small change",
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
        why="the log net's gradient turns less than the relu net's",
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
        why="the log net is not more robust than the relu net",
        note=(
            "true of the prototype-like net only, not for being less accurate (a relu net stopped"
            " there is not robust), and not for its log: the same w1 without it, and the nearest"
            " class mean, are as robust; the accurate log nets are less robust than relu"
        ),
        flagged=("log_net", "relu_net", "relu_net_early"),
    ),
)

DRAWINGS = (
    Drawing(
        "log_net/fig1",
        "Fig. 1",
        "hidden values x2 of two prototypes for two classes, linearly separable",
        ("log_net_control",),
        figures.fig1,
    ),
    Drawing(
        "log_net/fig2",
        "Fig. 2",
        "first-layer weights of the log net look like digits",
        ("log_net",),
        figures.fig2,
    ),
    Drawing(
        "log_net/fig3",
        "Fig. 3",
        "first-layer weights of an ordinary (sigmoid) net look fuzzy",
        ("sigmoid_net",),
        figures.fig3,
    ),
    Drawing(
        "log_net/fig4",
        "Fig. 4",
        "small noisy perturbations that fool an ordinary net",
        ("sigmoid_net",),
        figures.fig4,
    ),
    Drawing(
        "log_net/fig5",
        "Fig. 5",
        "w1 trained jointly beside w1 of the control heuristic",
        ("log_net", "log_net_control"),
        figures.fig5,
    ),
    Drawing(
        "log_net/fig6",
        "Fig. 6",
        "w2 without sawtooth (constant learning rate, no regularization) with its perturbed digits",
        ("log_net_control_constant",),
        figures.fig6,
    ),
    Drawing(
        "log_net/fig7",
        "Fig. 7",
        "w2 with sawtooth (decreasing learning rate, weak regularization) with its perturbed"
        " digits, labelled with the prediction",
        ("log_net_control",),
        figures.fig7,
    ),
    Drawing(
        "log_net/fig8",
        "Fig. 8",
        "the first prototypes beside the matching slice of w2",
        ("log_net",),
        figures.fig8,
    ),
    Drawing(
        "log_net/fig9",
        "Fig. 9",
        "first-layer dot products of a relu net for label pairs, intertwined blobs",
        ("relu_net", "log_net_control"),
        figures.fig9,
    ),
    Drawing(
        "log_net/fig10",
        "Fig. 10",
        "x2 of label pairs with fitted parallel lines, low and high uncertainty",
        ("log_net_control",),
        figures.fig10,
    ),
    Drawing(
        "log_net/fig11", "Fig. 11", "residuals of those fits", ("log_net_control",), figures.fig11
    ),
    Drawing(
        "log_net/fig12",
        "Fig. 12",
        "relu net: change of the outputs under small random perturbations, linear",
        ("relu_net",),
        figures.fig12,
    ),
    Drawing(
        "log_net/fig13",
        "Fig. 13",
        "log net: the same, with the prediction log(1+dx3/x3) and the plain first-order sum",
        ("log_net_control",),
        figures.fig13,
    ),
)
