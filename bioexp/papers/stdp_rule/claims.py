"""What the paper shows and claims: one entry for each row of the ledger, and one figure beyond it.

It prints no numbers: the bars in `accepted` are ours. They were set before the measures were
computed here, knowing what a feasibility study had found. Claims are judged as the rule is printed,
eps 1e-9; the same measure of the stable rule, eps 0.1 and biases that start lower layer by layer,
stands first among the controls. `other_pairs` is of the stable rule alone.
"""

from __future__ import annotations

from math import inf

from bioexp.papers.paper import Claim, Control, Drawing, Note, fails, holds
from bioexp.papers.stdp_rule import claim_figures, figures
from bioexp.papers.stdp_rule.measures import (
    CODES,
    EPS,
    FAR,
    IRIS,
    IRIS_PAIRS,
    LADDER,
    MANY,
    MNIST,
    MNIST_PAIRS,
    PAIRS,
    SPLITS,
    ZERO_TWO,
    mean_over,
    of_the_curve,
    on,
    on_splits,
    worst_lag,
)
from bioexp.papers.stdp_rule.progress import (
    early,
    fixed_set,
    flipped,
    kept,
    peak,
    positive,
    settled,
    sooner,
)
from bioexp.papers.stdp_rule.survival import gap, left_at, share_alike, won

CLAIMS = (
    Claim(
        id="stdp_rule/asymmetry",
        kind="claim",
        where="Appendix A, Fig. 4",
        what=(
            "eq. 6 has the asymmetry of biological STDP, a higher peak at positive dT, and eq. 5"
            " the opposite one"
        ),
        measured=(
            "log10 |dW(dT) / dW(-dT)| of eq. 6 or minus that of eq. 5, the smallest there is; of"
            " the equations, not of nets"
        ),
        accepted=(1e-9, inf),
        experiments=(MNIST,),
        measure=of_the_curve,
        controls=(
            Control(
                "trained by eq. 4, without a pole: test accuracy, MNIST 0v2",
                on("product", ZERO_TWO),
            ),
            Control("the same by eq. 3, stable", on("stable", ZERO_TWO)),
            Control("the same by eq. 3, as printed", on("printed", ZERO_TWO)),
            Control("largest update by eq. 4", on("product", ZERO_TWO, peak)),
            Control("largest update by eq. 3, stable", on("stable", ZERO_TWO, peak)),
            Control("largest update by eq. 3, as printed", on("printed", ZERO_TWO, peak)),
        ),
        notes=(
            Note("the equations do not have these asymmetries", fails),
            Note("the peaks are poles, which make the rule unstable", holds),
        ),
    ),
    Claim(
        id="stdp_rule/comparable",
        kind="claim",
        where="Fig. 2",
        what="STDP is comparable with backprop on these pairs",
        measured=(
            "test accuracy behind backprop on the pair, of all eight, where it is farthest behind;"
            " as printed"
        ),
        accepted=(-inf, 0.05),
        experiments=(IRIS, MNIST, SPLITS),
        measure=worst_lag("printed"),
        controls=(
            Control("the same of the stable rule", worst_lag("stable")),
            Control("stable, the five pairs of MNIST", worst_lag("stable", MNIST_PAIRS)),
            Control(
                "stable, the three pairs of IRIS (one flower is 0.05)",
                worst_lag("stable", IRIS_PAIRS),
            ),
            Control("stable, biases that start at 0, IRIS", worst_lag("flat", IRIS_PAIRS)),
            Control("as printed, the five pairs of MNIST", worst_lag("printed", MNIST_PAIRS)),
            Control("eq. 4, the five pairs of MNIST", worst_lag("product", MNIST_PAIRS)),
            Control(
                "stable without hidden layers, the five pairs of MNIST",
                worst_lag("no_hidden", MNIST_PAIRS),
            ),
            Control("IRIS 0v2, 40 of each: test accuracy", on_splits("even")),
            Control("IRIS 0v2, dealt at random: test accuracy", on_splits("random")),
        ),
        notes=(
            Note(
                "as printed updates pass through a pole, nets collapse, and IRIS is not "
                "learned; the stable rule is within half a point on MNIST, as good on IRIS 0v1 "
                "and 0v2, and fails on 1v2",
                fails,
            ),
        ),
        draw=claim_figures.instability,
    ),
    Claim(
        id="stdp_rule/slow_start",
        kind="claim",
        where="4 Results",
        what="poor accuracy in the first epochs of IRIS comes from fixing Z",
        measured=(
            "training accuracy in the first tenth of training gained by propagating Z, mean over"
            " three pairs; stable rule"
        ),
        accepted=(0.05, inf),
        experiments=(IRIS,),
        measure=sooner("propagated"),
        controls=(
            Control("gained by backprop from the same start", sooner("backprop")),
            Control("gained by biases that start at 0, Z fixed", sooner("flat")),
            Control("accuracy there with Z fixed", mean_over("stable", IRIS_PAIRS, early(0.1))),
            Control("accuracy there of backprop", mean_over("backprop", IRIS_PAIRS, early(0.1))),
        ),
        notes=(
            Note("propagating Z does not cure the slow start", fails),
            Note("but backprop starts slowly, too", holds),
        ),
        draw=claim_figures.start,
    ),
    Claim(
        id="stdp_rule/propagated_z",
        kind="claim",
        where="2 and 3",
        what=(
            "Z propagated through the weights converges to a fixed set, about half +1 and half -1,"
            " and flips with the label"
        ),
        measured=(
            "least of three margins: 0.9 of the hidden units settled, 0.35 to 0.65 of them +1, 0.9"
            " flipped; MNIST 0v2, stable rule"
        ),
        accepted=(0.0, inf),
        experiments=(MNIST, IRIS),
        measure=on("propagated", ZERO_TWO, fixed_set),
        controls=(
            Control(
                "share settled in the second half of training", on("propagated", ZERO_TWO, settled)
            ),
            Control("share of +1 at the end", on("propagated", ZERO_TWO, positive)),
            Control(
                "share that flips with the label (by construction)",
                on("propagated", ZERO_TWO, flipped),
            ),
            Control(
                "share that still is as the initial weights had it",
                on("propagated", ZERO_TWO, kept),
            ),
            Control("share settled, IRIS 0v2", on("propagated", IRIS_PAIRS[1], settled)),
            Control("share of +1 at the end, IRIS 0v2", on("propagated", IRIS_PAIRS[1], positive)),
            Control("test accuracy with propagated Z", on("propagated", ZERO_TWO)),
            Control("test accuracy with fixed Z", on("stable", ZERO_TWO)),
        ),
        notes=(
            Note("not every one of the three holds", fails),
            Note(
                "on MNIST, where it never leaves what the initial weights make it; on IRIS it "
                "goes on changing",
                holds,
            ),
        ),
        draw=claim_figures.associations,
    ),
    Claim(
        id="stdp_rule/more_robust",
        kind="claim",
        where="Fig. 3",
        what="STDP beats backprop under FGSM in most cases",
        measured=(
            "share of the 24 comparisons, eight pairs at 4/255, 8/255 and 12/255, that it wins, a"
            " tie half; as printed"
        ),
        accepted=(0.5, 1.0),
        experiments=(MNIST, IRIS, LADDER),
        measure=won("printed"),
        controls=(
            Control("the same of the stable rule", won("stable")),
            Control("stable, MNIST", won("stable", MNIST_PAIRS)),
            Control("stable, IRIS", won("stable", IRIS_PAIRS)),
            Control("stable, MNIST at 12/255", won("stable", MNIST_PAIRS, eps=EPS[-1:])),
            Control(
                "stable, MNIST at 12/255, PGD of 20 steps",
                won("stable", MNIST_PAIRS, "pgd", EPS[-1:]),
            ),
            Control(
                "stable, MNIST at 60/255, PGD of 20 steps",
                won("stable", MNIST_PAIRS, "pgd", FAR[-1:]),
            ),
            Control(
                "stable, MNIST at 12/255, against backprop with weight decay",
                won("stable", MNIST_PAIRS, eps=EPS[-1:], twin="decayed"),
            ),
            Control(
                "accuracy gained, MNIST, FGSM at 12/255",
                gap("stable", MNIST_PAIRS, "fgsm", EPS[-1]),
            ),
            Control(
                "accuracy gained, MNIST, FGSM at 60/255",
                gap("stable", MNIST_PAIRS, "fgsm", FAR[-1]),
            ),
            Control(
                "accuracy gained, MNIST, PGD at 60/255", gap("stable", MNIST_PAIRS, "pgd", FAR[-1])
            ),
            Control(
                "backprop with weight decay gains, FGSM at 12/255",
                gap("decayed", MNIST_PAIRS, "fgsm", EPS[-1]),
            ),
            Control("ladder, MNIST 0v2: accuracy gained at 12/255", left_at(12 / 255)),
            Control("ladder, MNIST 0v2: accuracy gained at 0.1", left_at(0.1)),
            Control("ladder, MNIST 0v2: accuracy gained at 0.2", left_at(0.2)),
        ),
        notes=(
            Note(
                "nets that did not learn are not robust either; the stable rule is ahead on "
                "MNIST at 12/255 and beyond, where weight decay alone gives backprop about half"
                " of it, and behind on IRIS",
                fails,
            ),
            Note("weight decay alone gives backprop about half of it", holds),
        ),
        draw=claim_figures.farther,
    ),
    Claim(
        id="stdp_rule/other_pairs",
        kind="claim",
        where="3 Experiment",
        what="all other binary pairs behave alike",
        measured=(
            "share of the 45 pairs of digits within a point of backprop, and no more below it under"
            " FGSM at 12/255; stable rule"
        ),
        accepted=(0.9, 1.0),
        experiments=(PAIRS, IRIS),
        measure=share_alike,
        notes=(
            Note("on some pairs the rule is farther behind", fails),
            Note("of the stable rule", holds),
        ),
        draw=claim_figures.heat_maps,
    ),
)

DRAWINGS = (
    Drawing(
        "stdp_rule/fig1",
        "Fig. 1",
        "how fixed associations Z are assigned in a binary net, for y = 1 and y = 0",
        (MNIST,),
        figures.fig1,
    ),
    Drawing(
        "stdp_rule/fig2",
        "Fig. 2",
        "train and test accuracy over epochs, STDP and backprop, eight pairs",
        (IRIS, MNIST),
        figures.fig2,
    ),
    Drawing(
        "stdp_rule/fig3",
        "Fig. 3",
        "adversarial accuracy at 4/255, 8/255 and 12/255, eight pairs",
        (IRIS, MNIST),
        figures.fig3,
    ),
    Drawing(
        "stdp_rule/fig4",
        "Fig. 4",
        "the STDP curve, eq. 5 dotted and eq. 6 solid",
        (MNIST,),
        figures.fig4,
    ),
    Drawing(
        "beyond/multi_class_stdp",
        "",
        "the STDP rule on ten classes and at depth 0 to 4, beside backprop and the 0-hidden"
        " control",
        (MANY, CODES),
        claim_figures.many_classes,
    ),
)
