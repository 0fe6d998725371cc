"""Claims on the splits of footnote 2, which the paper tried and left.

"Failed completely" leaves no success, so that a single net that splits refutes it. Failures alone
never prove it: with none among n nets the claim stays undecided. That something happened "e.g." is
the other way round: one net shows it.
"""

from __future__ import annotations

from itertools import product

from bioexp.measures.estimators import share
from bioexp.papers.measuring import each
from bioexp.papers.paper import Claim, Control, Note, Reading
from bioexp.papers.spatial_nets import claim_figures
from bioexp.papers.spatial_nets.measures import (
    MODES,
    SHORT,
    Number,
    above,
    anywhere,
    below,
    every,
    one_task,
    succeeds,
    task_mean,
)
from bioexp.papers.spatial_nets.splits import WAYS, Way

PLACES = tuple(product(WAYS, SHORT.values()))
NEVER = 0.001  # less than the low end of one among 20, Clopper and Pearson's


def each_way(number: dict[Way, Number], accepted: tuple[float, float]) -> tuple[Reading, ...]:
    """That a share of spatial nets is small or large, for each way to split and each mode."""
    return tuple(
        Reading(
            f"{SHORT[mode]}, {WAYS[way]}: as a rule",
            each(mode, number[way], net="spatial"),
            accepted,
            share,
            f"{way}_{SHORT[mode]}",
        )
        for way in WAYS
        for mode in MODES
    )


def told(what: str) -> Note:
    """The readings of each_way in words."""
    words = "; ".join(
        f"{name} " + ", ".join(f"{mode} {{{way}_{mode}:.2f}}" for mode in SHORT.values())
        for way, name in WAYS.items()
    )
    return Note(f"{what}: {words}")


SPLITTING: dict[Way, Number] = {way: succeeds(way) for way in WAYS}
ONE_TASK: dict[Way, Number] = {way: one_task(way) for way in WAYS}

SPLIT_CLAIMS = (
    Claim(
        id="spatial_nets/other_splits_fail",
        kind="claim",
        where="footnote 2",
        what="splitting by spectral clustering or by activation statistics fails completely",
        measured=(
            "share of seeds of whose spatial nets at least one, in any mode and by either split,"
            " has both tasks above 0.6 afterwards; bar: below what one success among 20 shows"
        ),
        accepted=(0.0, NEVER),
        experiments=MODES,
        measure=anywhere(*SPLITTING.values()),
        estimator=share,
        readings=each_way(SPLITTING, (0.0, 0.5)),
        decides=(
            "'completely' leaves no success, which one net refutes; the readings ask for most nets"
            " only"
        ),
        null=Control("the paper's own greedy split", anywhere(succeeds("greedy"))),
        controls=(
            *every(task_mean("split", "spectral"), "by spectral clustering", "spectral"),
            *every(task_mean("split", "activity"), "by activation statistics", "activity"),
            *every(succeeds("spectral"), "share that spectral clustering splits", "splits"),
        ),
        notes=(
            told("share of spatial nets that split"),
            *(
                Note(
                    f"{WAYS[way]} does fail in most nets of {mode}",
                    below(f"{way}_{mode}", 0.5),
                )
                for way, mode in PLACES
            ),
            Note(
                "spectral clustering splits regular nets: {splits_concatenation_regular:.2f} of"
                " them in concatenation, {splits_mixing_regular:.2f} in mixing",
                lambda n: (
                    n["splits_concatenation_regular"].value > 0.5
                    and n["splits_mixing_regular"].value > 0.5
                ),
            ),
        ),
        draw=claim_figures.other_splits,
    ),
    Claim(
        id="spatial_nets/one_task_outputs",
        kind="claim",
        where="footnote 2",
        what="the other splits assign, e.g., all outputs to the same task",
        measured=(
            "share of seeds of whose spatial nets at least one, in any mode and by either split,"
            " has all 20 outputs assigned to one task; bar: one net shows it"
        ),
        accepted=(NEVER, 1.0),
        experiments=MODES,
        measure=anywhere(*ONE_TASK.values()),
        estimator=share,
        readings=each_way(ONE_TASK, (0.5, 1.0)),
        decides="'e.g.' names an instance, which one net shows; the readings ask for most nets",
        null=Control("the greedy split, to which outputs are given", anywhere(one_task("greedy"))),
        controls=(
            *every(one_task("spectral"), "all outputs in one cluster, spectral", "spectral_nets"),
            *every(one_task("activity"), "all outputs of one task, activity", "activity_nets"),
        ),
        notes=(
            told("share of spatial nets with all outputs in one task"),
            *(
                Note(f"{WAYS[way]} does so in most nets of {mode}", above(f"{way}_{mode}", 0.5))
                for way, mode in PLACES
            ),
        ),
    ),
)
