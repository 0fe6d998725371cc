"""What the paper claims of perturbed images: how far its prediction holds, what shields the net,
and what fools it.
"""

from __future__ import annotations

from functools import partial
from math import inf

from bioexp.papers.log_net.least_change import features, harder, log_ratio
from bioexp.papers.log_net.nets import ACCURATE, CONTROL, READABLE, WORDS, of, readings
from bioexp.papers.log_net.perturbations import (
    error_at,
    exponential_fit,
    predicted_reach,
    shielding,
    shielding_without_log,
    shorter_reach,
    staleness,
    straight_fit,
)
from bioexp.papers.log_net.prototypes import own_class
from bioexp.papers.measuring import accuracy, each, less, more_survive, robust, runs, under_noise
from bioexp.papers.nulls import exchanged, untrained
from bioexp.papers.paper import Claim, Control, Note, Reading

CHAPTER = "Understanding How the Log Network Thinks"
PERTURBATIONS = "Effect of Perturbations"
OTHERS = tuple(net for net in WORDS if net != CONTROL)
SAW = {"start": "large", "schedule": "decreasing", "regularization": "weak"}
NO_SAW = {"start": "large", "schedule": "slow", "regularization": "none"}
PREDICTED = partial(predicted_reach, "log(1+dx3/x3)")
LINEAR = partial(error_at, "linear net")
MORE = (0.01, inf)  # orders of magnitude: at least 2 % more
SMALL, PIXEL = 0.01, 1.0  # sizes of a random perturbation; 1 is the image's brightest pixel


def sooner_stale(net):
    return less(each("relu_net", staleness), each(net, staleness))


def more_robust(net):
    return less(each("log_net", robust), each(net, robust))


def saw(evidence):
    return runs(evidence, "log_net_sawtooth", **SAW)


def no_saw(evidence):
    return runs(evidence, "log_net_sawtooth", **NO_SAW)


PERTURBED = (
    Claim(
        id="log_net/small_interval",
        kind="claim",
        where="Fig. 13",
        what="predicted and measured dx3 agree only over a small interval, other than for relu",
        measured=(
            "orders of magnitude by which the gradient's prediction is within 5 % farther in the"
            " relu net than log(1+dx3/x3) is in the control net"
        ),
        accepted=(0.0, inf),
        experiments=(CONTROL, "relu_net", "log_net", "log_net_balanced", "log_net_joint", ACCURATE),
        measure=shorter_reach(CONTROL),
        readings=readings(CONTROL, shorter_reach, (0.0, inf)),
        decides="its figure is of the control network",
        controls=(
            Control(
                "how far it holds, control net (1: the brightest pixel)",
                each(CONTROL, PREDICTED),
                name="control",
            ),
            Control(
                "the plain first-order sum there, without the paper's logarithm",
                each(CONTROL, partial(predicted_reach, "first order")),
                name="plain",
            ),
            Control(
                "the gradient's prediction in the relu net",
                each("relu_net", partial(predicted_reach, "first order")),
                name="relu",
            ),
        ),
        null=Control("before training", untrained(shorter_reach(CONTROL))),
        notes=(
            Note(
                "it holds up to {control:.2f} of the brightest pixel, the plain first-order sum"
                " up to {plain:.2f}, and the gradient of the relu net up to {relu:.2f}"
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
        experiments=(CONTROL, "relu_net", *OTHERS),
        measure=each(CONTROL, exponential_fit),
        readings=readings(CONTROL, of(exponential_fit), (0.99, 1.0)),
        decides="its section is on the control network",
        controls=(
            Control("the relu net's outputs", each("relu_net", exponential_fit), name="relu"),
        ),
        null=Control("a straight line through x3 itself", each(CONTROL, straight_fit)),
        notes=(
            Note(
                "so small steps show no curve: a straight line through x3 itself has {null:.4f},"
                " and through the relu net's outputs {relu:.4f}",
                lambda n: n["null"].value > 0.99,
            ),
        ),
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
        experiments=(CONTROL, *OTHERS),
        measure=each(CONTROL, shielding),
        readings=readings(CONTROL, of(shielding), (-1.0, -0.1)),
        decides="its section is on the control network",
        controls=(
            Control(
                "without the log: change of w1[j].x1",
                each(CONTROL, shielding_without_log),
                name="without",
            ),
        ),
        trivial="x2 is a logarithm, so that its change is divided by w1[j].x1 in any such net",
        notes=(Note("without the log {without:+.2f}, with it {measured:+.2f}"),),
    ),
    Claim(
        id="log_net/gradient_goes_stale",
        kind="claim",
        where=PERTURBATIONS,
        what="the input gradient becomes a bad approximation sooner than for relu",
        measured=(
            "cosine of the input gradient before and after a step of 0.1: relu net less the"
            " unconstrained log net"
        ),
        accepted=(0.0, inf),
        experiments=(ACCURATE, "relu_net", "log_net", "log_net_balanced", "log_net_joint", CONTROL),
        measure=sooner_stale(ACCURATE),
        readings=readings(ACCURATE, sooner_stale, (0.0, inf)),
        decides="its accuracy is the paper's",
        controls=(
            Control("cosine, unconstrained log net", each(ACCURATE, staleness), name="accurate"),
            Control("cosine, the readable net", each("log_net", staleness), name="digits"),
            Control("cosine, relu net", each("relu_net", staleness), name="relu"),
        ),
        null=Control(
            "both nets exchanged", exchanged(each("relu_net", staleness), each(ACCURATE, staleness))
        ),
        notes=(
            Note(
                "its cosine is {accurate:.2f}, the relu net's {relu:.2f}, that of the net whose"
                " weights look like digits {digits:.2f}"
            ),
        ),
    ),
    Claim(
        id="log_net/relu_is_linear",
        kind="claim",
        where="Fig. 12",
        what="the equation of a linear net approximates the relu net's response to perturbations",
        measured=(
            "relative error of dx3 = w2 w1 dx1, without the activation, at 1 % of the brightest"
            " pixel, median over images and classes"
        ),
        accepted=(0.0, 0.1),
        experiments=("relu_net",),
        measure=each("relu_net", partial(LINEAR, SMALL)),
        readings=(
            Reading(
                "by the gradient, over the units that the image makes active",
                each("relu_net", partial(error_at, "first order", SMALL)),
                (0.0, 0.1),
                name="gradient",
            ),
        ),
        decides="it is the equation that the figure's text gives",
        controls=(
            Control(
                "the same at the brightest pixel",
                each("relu_net", partial(LINEAR, PIXEL)),
                name="large",
            ),
        ),
        null=Control("before training", untrained(each("relu_net", partial(LINEAR, SMALL)))),
        notes=(
            Note(
                "it is off by {measured:.0%} at 1 % of a pixel and by {large:.0%} at a whole one;"
                " the gradient by {gradient:.1%}"
            ),
        ),
    ),
    Claim(
        id="log_net/perturbations_are_features",
        kind="claim",
        where="Fig. 7",
        what="what fools the log net looks like features of the class predicted",
        measured=(
            "correlation of the least change with the mean image of the class found less that of"
            " the image's own, mean over 500 images: control net less relu net"
        ),
        accepted=(0.0, inf),
        experiments=(CONTROL, "relu_net", "log_net", ACCURATE),
        measure=less(each(CONTROL, features), each("relu_net", features)),
        readings=readings(
            CONTROL,
            lambda net: less(each(net, features), each("relu_net", features)),
            (0.0, inf),
            (CONTROL, READABLE, ACCURATE),
        ),
        decides="its figure is of the control network",
        controls=(
            Control("control net", each(CONTROL, features), name="control"),
            Control("relu net", each("relu_net", features), name="relu"),
        ),
        null=Control(
            "both nets exchanged", exchanged(each(CONTROL, features), each("relu_net", features))
        ),
        notes=(Note("{control:.2f} against {relu:.2f} of the relu net"),),
    ),
    Claim(
        id="log_net/sawtooth_perturbations",
        kind="claim",
        where=CHAPTER,
        what="with a sawtooth w2 the perturbations needed to fool the net are more intense",
        measured=(
            "log10 of the least Euclidean change that fools the net with the sawtooth over that of"
            " the net without, same w1 and same initial w2, images that all nets get right"
        ),
        accepted=MORE,
        experiments=("log_net_sawtooth",),
        measure=harder(saw, no_saw),
        per_image=lambda evidence: log_ratio(saw(evidence), no_saw(evidence)),
        controls=(
            Control(
                "accuracy with the sawtooth",
                each("log_net_sawtooth", accuracy, **SAW),
                name="with_saw",
            ),
            Control(
                "accuracy without", each("log_net_sawtooth", accuracy, **NO_SAW), name="without"
            ),
            Control(
                "prototypes given to their own class, with",
                each("log_net_sawtooth", own_class, **SAW),
                name="saw",
            ),
            Control(
                "the same without", each("log_net_sawtooth", own_class, **NO_SAW), name="no_saw"
            ),
        ),
        null=Control("both nets the same", harder(saw, saw)),
        notes=(
            Note(
                "{saw:.2f} and {no_saw:.2f} of the prototypes are given to their own class;"
                " accuracies {with_saw:.3f} and {without:.3f}"
            ),
        ),
    ),
    Claim(
        id="log_net/own_attack",
        kind="claim",
        where="Conclusion",
        what="the paper's own attack, gradients added to the image, needs more to fool the log net",
        measured=(
            "log10 of the least Euclidean change of 500 images, log_net over relu net, images"
            " that all nets get right"
        ),
        accepted=MORE,
        experiments=("log_net", "relu_net", "relu_net_early", ACCURATE, "log_net_joint"),
        measure=harder("log_net", "relu_net"),
        per_image=lambda evidence: log_ratio(evidence["log_net"], evidence["relu_net"]),
        parts=(
            Reading(
                "against the relu net that was stopped at the same accuracy",
                harder("log_net", "relu_net_early"),
                MORE,
                name="twin",
            ),
        ),
        readings=(
            Reading(
                "the unconstrained net over relu",
                harder(ACCURATE, "relu_net"),
                MORE,
                name="accurate",
            ),
            Reading(
                "the joint net by Adam over relu",
                harder("log_net_joint", "relu_net"),
                MORE,
                name="joint",
            ),
        ),
        decides="it is the net that the claim on robustness is made for",
        null=Control("both nets the same", harder("log_net", "log_net")),
        notes=(
            Note(
                "{measured:+.2f} orders of magnitude, {twin:+.2f} against the relu net of the same"
                " accuracy; the accurate log nets have {accurate:+.2f} and {joint:+.2f}"
            ),
        ),
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
            "log_net_linear_early",
            "class_mean",
            "log_net_joint",
            ACCURATE,
        ),
        measure=more_robust("relu_net"),
        per_image=more_survive("log_net", "relu_net"),
        parts=(
            Reading(
                "against the relu net that was stopped at the same accuracy",
                more_robust("relu_net_early"),
                (0.0, inf),
                name="twin",
            ),
        ),
        readings=tuple(
            Reading(
                f"{words}, less relu net",
                less(each(net, robust), each("relu_net", robust)),
                (0.0, inf),
                name=name,
            )
            for net, words, name in (
                (ACCURATE, "the unconstrained net, as accurate as the paper's", "accurate"),
                ("log_net_joint", "constrained, both layers by Adam", "joint"),
            )
        ),
        decides="it is the net whose weights look like digits, which the conclusion is on",
        controls=(
            Control("log_net", each("log_net", robust), ("log_net",), name="log"),
            Control("relu net", each("relu_net", robust), ("relu_net",), name="relu"),
            Control(
                "relu net, stopped early",
                each("relu_net_early", robust),
                ("relu_net_early",),
                name="early",
            ),
            Control("its accuracy on all clean test images", each("relu_net_early", accuracy)),
            Control("that of log_net", each("log_net", accuracy)),
            Control(
                "log_net's w1 with the log REMOVED after training",
                each("log_net_no_log", robust),
                ("log_net_no_log",),
                name="removed",
            ),
            Control(
                "trained WITHOUT the log by SGD, stopped at the same accuracy",
                each("log_net_linear_early", robust),
                ("log_net_linear_early",),
                name="never",
            ),
            Control("its accuracy", each("log_net_linear_early", accuracy)),
            Control(
                "nearest class mean, a linear classifier",
                each("class_mean", robust),
                ("class_mean",),
                name="means",
            ),
            Control(
                "the joint log net under noise of 0.1",
                each("log_net_joint", under_noise),
                name="noisy",
            ),
            Control("the unconstrained log net under noise of 0.1", each(ACCURATE, under_noise)),
            Control(
                "the relu net under noise of 0.1", each("relu_net", under_noise), name="relu_noisy"
            ),
        ),
        null=Control(
            "both nets exchanged", exchanged(each("log_net", robust), each("relu_net", robust))
        ),
        notes=(
            Note(
                "the log is not needed once the net is trained: without it the same w1 keeps"
                " {removed:.2f}, and the nearest class mean {means:.2f}",
                lambda n: n["removed"].value > n["log"].value - 0.1,
            ),
            Note(
                "it is needed in training: without it from the start {never:.2f} is left at the"
                " same accuracy",
                lambda n: n["never"].value < n["log"].value,
            ),
            Note(
                "the accurate log nets are less robust than relu ({accurate:+.2f} and"
                " {joint:+.2f})",
                lambda n: max(n["accurate"].value, n["joint"].value) < 0,
            ),
            Note(
                "plain noise of 0.1 alone leaves the joint net {noisy:.2f}, the relu net"
                " {relu_noisy:.2f}"
            ),
        ),
        flagged=("log_net", "relu_net", "relu_net_early"),
    ),
)
