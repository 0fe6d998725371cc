"""Claims on the ways to present the input: what each does to the split, and why."""

from __future__ import annotations

from math import inf

from bioexp.papers.measuring import each, less
from bioexp.papers.nulls import exchanged
from bioexp.papers.paper import Claim, Control, Note, Reading
from bioexp.papers.spatial_nets import claim_figures
from bioexp.papers.spatial_nets.measures import (
    CONCATENATION,
    MIXING,
    MODES,
    SEQUENTIAL,
    SHORT,
    SPLIT,
    TURNED,
    Number,
    below,
    every,
    task_mean,
)
from bioexp.papers.spatial_nets.regions import mean_share_between

HALF = (SPLIT[CONCATENATION]["regular"][0] - SPLIT[MIXING]["regular"][0]) / 2


def _paired(first: str, second: str, number: Number, net: str) -> Reading:
    """That a mode has more of a number than another."""
    return Reading(
        f"{SHORT[first]} less {SHORT[second]}, {net} nets",
        less(each(first, number, net=net), each(second, number, net=net)),
        (0.0, inf),
        name=f"over_{SHORT[second]}_{net}",
    )


MODE_CLAIMS = (
    Claim(
        id="spatial_nets/regular_concatenation",
        kind="claim",
        where="3 Experiments, Results",
        what="even the regular net performs well after the split with concatenated input",
        measured=(
            "accuracy of the regular net after the split, concatenation less mixing, by seed;"
            " parts: less sequential, and by itself at least the paper's mean less its"
            " standard deviation"
        ),
        accepted=(0.0, inf),
        experiments=MODES,
        measure=less(
            each(CONCATENATION, task_mean("split"), net="regular"),
            each(MIXING, task_mean("split"), net="regular"),
        ),
        parts=(
            _paired(CONCATENATION, SEQUENTIAL, task_mean("split"), "regular"),
            Reading(
                "by itself",
                each(CONCATENATION, task_mean("split"), net="regular"),
                (0.67, 1.0),
                name="alone",
            ),
        ),
        null=Control(
            "concatenation and mixing exchanged for every other seed",
            exchanged(
                each(CONCATENATION, task_mean("split"), net="regular"),
                each(MIXING, task_mean("split"), net="regular"),
            ),
        ),
        notes=(
            Note(
                "{alone:.2f} after the split: {measured:+.3f} against mixing,"
                " {over_sequential_regular:+.2f} against sequential input"
            ),
        ),
    ),
    Claim(
        id="spatial_nets/structural_prior",
        kind="claim",
        where="3 Experiments, Results",
        what=(
            "concatenated input imposes a structural prior that encourages the regular net to form"
            " two separate parts"
        ),
        measured=(
            "accuracy of regular nets after the split, concatenation less its twin whose inputs are"
            " sums and differences of the images' pixels: the same images, width and first weights,"
            " but no input belongs to one task; bar: half of what concatenation has more than"
            " mixing in Table 1; part: more weight between groups in the twin"
        ),
        accepted=(HALF, inf),
        experiments=(TURNED, CONCATENATION, MIXING),
        measure=less(
            each(CONCATENATION, task_mean("split"), net="regular"),
            each(TURNED, task_mean("split")),
        ),
        parts=(
            Reading(
                "share of weight between groups, mean of layers: twin less concatenation",
                less(
                    each(TURNED, mean_share_between),
                    each(CONCATENATION, mean_share_between, net="regular"),
                ),
                (0.0, inf),
                name="parts",
            ),
        ),
        readings=(
            Reading(
                "concatenation has any more",
                less(
                    each(CONCATENATION, task_mean("split"), net="regular"),
                    each(TURNED, task_mean("split")),
                ),
                (0.0, inf),
                name="any_more",
            ),
        ),
        decides=(
            "the prior is to explain why concatenation splits better than mixing, so that without"
            " it most of that must be lost"
        ),
        null=Control(
            "net and twin exchanged for every other seed",
            exchanged(
                each(CONCATENATION, task_mean("split"), net="regular"),
                each(TURNED, task_mean("split")),
            ),
        ),
        controls=(
            Control("twin: after the split", each(TURNED, task_mean("split")), name="twin"),
            Control("twin: whole net", each(TURNED, task_mean("full")), name="twin_full"),
            Control(
                "concatenation: after the split",
                each(CONCATENATION, task_mean("split"), net="regular"),
                name="concatenation",
            ),
            Control(
                "concatenation: whole net",
                each(CONCATENATION, task_mean("full"), net="regular"),
                name="concatenation_full",
            ),
            Control(
                "mixing: after the split",
                each(MIXING, task_mean("split"), net="regular"),
                name="mixing",
            ),
        ),
        notes=(
            Note(
                "{concatenation:.3f} after the split, {twin:.3f} where no input belongs to a task,"
                " {mixing:.3f} in mixing; whole nets {concatenation_full:.3f} and {twin_full:.3f}"
            ),
            Note(
                "so it is for another reason than inputs of their own for both tasks that"
                " concatenation splits better than mixing",
                below("measured", HALF),
            ),
        ),
        draw=claim_figures.prior,
    ),
    Claim(
        id="spatial_nets/sequential_hardest",
        kind="claim",
        where="3 Experiments, Results",
        what="sequential input is the hardest of the three to split",
        measured=(
            "accuracy lost by the split by regular nets, sequential mode less mixing, by seed;"
            " parts: less concatenation, and the same of spatial nets"
        ),
        accepted=(0.0, inf),
        experiments=MODES,
        measure=less(
            *(each(mode, task_mean("drop"), net="regular") for mode in (SEQUENTIAL, MIXING))
        ),
        parts=(
            _paired(SEQUENTIAL, CONCATENATION, task_mean("drop"), "regular"),
            _paired(SEQUENTIAL, CONCATENATION, task_mean("drop"), "spatial"),
            _paired(SEQUENTIAL, MIXING, task_mean("drop"), "spatial"),
        ),
        null=Control(
            "sequential mode and mixing exchanged for every other seed",
            exchanged(
                *(each(mode, task_mean("drop"), net="regular") for mode in (SEQUENTIAL, MIXING))
            ),
        ),
        notes=(
            Note(
                "it costs regular nets {measured:.2f} more than mixing and"
                " {over_concatenation_regular:.2f} more than concatenation, spatial ones"
                " {over_mixing_spatial:.3f} and {over_concatenation_spatial:.3f} more"
            ),
        ),
    ),
    Claim(
        id="spatial_nets/shared_neurons",
        kind="claim",
        where="3 Experiments, Results",
        what=("with sequential input the network is more inclined to use neurons for both tasks"),
        measured=(
            "share of absolute weight between groups, mean of layers, of regular nets: sequential"
            " mode less mixing, by seed; part: less concatenation"
        ),
        accepted=(0.0, inf),
        experiments=MODES,
        measure=less(
            *(each(mode, mean_share_between, net="regular") for mode in (SEQUENTIAL, MIXING))
        ),
        parts=(_paired(SEQUENTIAL, CONCATENATION, mean_share_between, "regular"),),
        readings=(
            _paired(SEQUENTIAL, MIXING, mean_share_between, "spatial"),
            _paired(SEQUENTIAL, CONCATENATION, mean_share_between, "spatial"),
        ),
        decides=(
            "of nets that penalties have not sorted the inclination is the task's own; spatial"
            " nets are the readings"
        ),
        null=Control(
            "sequential mode and mixing exchanged for every other seed",
            exchanged(
                *(each(mode, mean_share_between, net="regular") for mode in (SEQUENTIAL, MIXING))
            ),
        ),
        controls=every(mean_share_between, "share of weight between groups", "share"),
        notes=(
            Note(
                "{share_sequential_regular:.2f} of the weight of regular nets connects groups in"
                " sequential mode, {share_mixing_regular:.2f} in mixing,"
                " {share_concatenation_regular:.2f} in concatenation"
            ),
        ),
    ),
)
