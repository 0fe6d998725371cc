"""What the paper claims of the lines that hidden values of two labels follow."""

from __future__ import annotations

from functools import partial

from bioexp.papers.log_net.measures import (
    label_pairs,
    median_angle,
    median_r2,
    median_slope,
    ordinary_pairs,
    random_pairs,
    separability,
    structured,
    uneven,
)
from bioexp.papers.log_net.nets import CONTROL, of, readings
from bioexp.papers.measuring import each
from bioexp.papers.paper import Claim, Control, Note, Reading

CHAPTER = "Understanding How the Log Network Thinks"
FASHION = "log_net_control_fashion"
TRAINED = (CONTROL, "log_net", "log_net_joint", "log_net_unconstrained")

ANGLE, SEPARABLE = partial(median_angle, label_pairs), partial(separability, label_pairs)
R2, SLOPE = partial(median_r2, label_pairs), partial(median_slope, label_pairs)

LINES = (
    Claim(
        id="log_net/parallel_lines",
        kind="claim",
        where="Fig. 10",
        what=(
            "clusters of two labels lie on parallel lines in x2 and are linearly separable; not so"
            " for relu"
        ),
        measured="share of two labels' images on their side of a line, mean of 45 pairs",
        accepted=(0.9, 1.0),
        experiments=(*TRAINED, "relu_net"),
        measure=each(CONTROL, SEPARABLE),
        parts=(
            Reading(
                "parallel: median angle in degrees between the lines of two labels",
                each(CONTROL, ANGLE),
                (0.0, 10.0),
                name="angle",
            ),
            Reading(
                "not so for relu: the same angle",
                each("relu_net", ANGLE),
                (30.0, 90.0),
                name="relu",
            ),
        ),
        readings=tuple(
            Reading(f"parallel: {other.what}", other.measure, other.accepted, name=other.name)
            for other in readings(CONTROL, of(ANGLE), (0.0, 10.0), TRAINED)
        ),
        decides="its figure is of the control network",
        controls=(
            Control(
                "random positive weights: angle in degrees",
                each(CONTROL, partial(median_angle, random_pairs)),
                name="random",
            ),
            Control("the relu net: separable", each("relu_net", SEPARABLE)),
        ),
        null=Control("random positive weights", each(CONTROL, partial(separability, random_pairs))),
        notes=(
            Note(
                "parallel lines are nothing learned: behind random positive weights they are"
                " {random:.1f} degrees apart, against {angle:.1f}, as total ink scales every dot"
                " product",
                lambda n: n["random"].value < n["angle"].value,
            ),
            Note(
                "trained jointly they are {readable:.0f} (by SGD) and {joint:.0f} degrees apart (by"
                " Adam)"
            ),
        ),
    ),
    Claim(
        id="log_net/residuals_random",
        kind="claim",
        where="Fig. 11",
        what="residuals of the fitted lines look random",
        measured=(
            "share of the 90 clusters in which a permutation test finds that residuals depend on"
            " their place along the line (0.05 if random)"
        ),
        accepted=(0.0, 0.1),
        experiments=(CONTROL, "relu_net"),
        measure=each(CONTROL, structured),
        controls=(
            Control(
                "share of the clusters whose residuals grow or shrink along the line",
                each(CONTROL, uneven),
                name="uneven",
            ),
        ),
        null=Control("the relu net", each("relu_net", structured)),
        notes=(
            Note(
                "in {measured:.0%} of the clusters they depend on the place, and in {uneven:.0%}"
                " their size does"
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
        experiments=(CONTROL, FASHION),
        measure=each(CONTROL, R2),
        readings=(
            Reading(
                "a feature of simple data: Fashion-MNIST",
                each(FASHION, R2),
                (0.5, 1.0),
                name="fashion",
            ),
        ),
        decides="its figures are of the control network on MNIST",
        controls=(
            Control(
                "its exponent, the lines' median slope: 1 is plain proportionality",
                each(CONTROL, SLOPE),
                name="exponent",
            ),
            Control(
                "a straight line in ordinary space, without a power law",
                each(CONTROL, partial(median_r2, ordinary_pairs)),
                name="straight",
            ),
        ),
        null=Control("random positive weights", each(CONTROL, partial(median_r2, random_pairs))),
        notes=(
            Note(
                "its exponent is {exponent:.2f}; a straight line in ordinary space fits as well"
                " ({straight:.2f} against {measured:.2f})",
                lambda n: n["straight"].value > n["measured"].value - 0.05,
            ),
        ),
    ),
)
