"""Claims on accuracy: Table 1 cell by cell, and what the paper says of it.

Where the paper prints no number the bars are ours: 0 for "better", one point for "not lower".
"""

from __future__ import annotations

from math import inf

from bioexp.measures.estimators import against
from bioexp.papers.measuring import each, less
from bioexp.papers.nulls import exchanged
from bioexp.papers.paper import Claim, Control, Note, Reading
from bioexp.papers.spatial_nets import claim_figures
from bioexp.papers.spatial_nets.measures import (
    CONCATENATION,
    DROP,
    MIXING,
    MODES,
    NETS,
    PRINTED,
    SEQUENTIAL,
    SHORT,
    SPLIT,
    THREE,
    Cells,
    Condition,
    Number,
    above,
    below,
    both,
    every,
    gained,
    left,
    no,
    one_of,
    task_mean,
)

RUNS = 3  # of the paper, for each cell
HARDEST = (SEQUENTIAL, "spatial")  # the cell that stands for the table; the others are its parts


def cell(cells: Cells, number: Number, mode: str, net: str) -> Reading:
    """That our mean of a cell lies within the paper's +-."""
    mean, std = cells[mode][net]
    return Reading(
        f"{SHORT[mode]}, {net} (paper {mean:.2f} ± {std:.2f})",
        each(mode, number, net=net),
        (mean - std, mean + std),
        name=f"{SHORT[mode]}_{net}",
        expected=mean,
    )


def others(cells: Cells, number: Number) -> tuple[Reading, ...]:
    """The cells beside the one that stands for the table."""
    places = [(mode, net) for mode in MODES for net in NETS if (mode, net) != HARDEST]
    return tuple(cell(cells, number, *place) for place in places)


def welch(cells: Cells, number: Number) -> tuple[Reading, ...]:
    """Each cell less the paper's by Welch, where its three runs have an uncertain mean, too."""
    readings = []
    for mode in MODES:
        for net in NETS:
            mean, std = cells[mode][net]
            readings.append(
                Reading(
                    f"Welch: {SHORT[mode]}, {net}, less the paper's",
                    each(mode, number, net=net),
                    (-std, std),
                    against(mean, std, RUNS),
                    f"welch_{SHORT[mode]}_{net}",
                )
            )
    return tuple(readings)


PLACES = tuple((mode, net) for mode in SHORT.values() for net in NETS)
WHY_NOT_WELCH = (
    "the printed ± is the only tolerance that the paper gives; its three runs leave its own mean"
    " uncertain by 0.58 of that, so that Welch's interval (2.5 of them wide) cannot lie within it"
    " whatever our seeds say: it can only refute"
)


def _differs(mode: str, net: str) -> Condition:
    name = f"welch_{mode}_{net}"
    return one_of(above(name), below(name))


WELCH_NOTES = (
    Note(
        "Welch's intervals, which count the uncertainty of the paper's three runs, contain no"
        " difference in all six cells",
        no(*(_differs(*place) for place in PLACES)),
    ),
    *(
        Note(
            f"Welch tells {mode}, {net}, from the paper's cell: {{welch_{mode}_{net}:+.3f}}",
            _differs(mode, net),
        )
        for mode, net in PLACES
    ),
)


def _numbers(name: str, net: str) -> str:
    """The places of a number of all modes in a note."""
    return ", ".join(f"{{{name}_{mode}_{net}:.2f}}" for mode in SHORT.values())


TABLE_CLAIMS = (
    Claim(
        id="spatial_nets/table1_split",
        kind="number",
        where="Table 1",
        what=(
            "accuracy after the split: regular 0.80, 0.70, 0.33 and spatial 0.92, 0.89, 0.84, in"
            " concatenation, mixing, sequential"
        ),
        measured=(
            "accuracy after the split, sequential mode, spatial; bar: the paper's mean ± its"
            " standard deviation; the five other cells are parts"
        ),
        expected=SPLIT[SEQUENTIAL]["spatial"][0],
        accepted=cell(SPLIT, task_mean("split"), *HARDEST).accepted,
        experiments=(*MODES, PRINTED),
        measure=each(SEQUENTIAL, task_mean("split"), net="spatial"),
        parts=others(SPLIT, task_mean("split")),
        readings=welch(SPLIT, task_mean("split")),
        decides=WHY_NOT_WELCH,
        null=Control(
            "the regular nets of the same mode", each(SEQUENTIAL, task_mean("split"), net="regular")
        ),
        controls=(
            *every(
                task_mean("silent"),
                "after the split, disabled neurons silent as the text has it",
                "silent",
            ),
            *(
                Control(
                    f"T as printed, alpha {alpha}, mixing: after the split",
                    each(PRINTED, task_mean("split"), alpha=variant),
                    name=variant,
                )
                for alpha, variant in (("1", "printed"), ("0.01", "hundredth"))
            ),
        ),
        notes=(
            *WELCH_NOTES,
            Note(
                "the table takes disabled neurons to keep their bias, as in the authors' program;"
                " silent, as the text has it, they leave regular nets"
                f" {_numbers('silent', 'regular')} and spatial ones {_numbers('silent', 'spatial')}"
            ),
            Note("with T as printed {printed:.2f} at alpha 1 and {hundredth:.2f} at 0.01"),
            *(
                Note(
                    f"in {SHORT[mode]} the paper's ± for the regular net would admit the spatial"
                    f" one, too ({{{SHORT[mode]}_spatial:.2f}})",
                    no(above(f"{SHORT[mode]}_spatial", sum(SPLIT[mode]["regular"]))),
                )
                for mode in (CONCATENATION, MIXING)
            ),
        ),
        draw=claim_figures.table1,
    ),
    Claim(
        id="spatial_nets/table1_drop",
        kind="number",
        where="Table 1",
        what="accuracy lost by the split: regular 0.11, 0.19, 0.60 and spatial 0.00, 0.00, 0.07",
        measured=(
            "accuracy lost by the split, sequential mode, spatial; bar: the paper's mean ± its"
            " standard deviation, 0.00 counting as 0.01; the five other cells are parts"
        ),
        expected=DROP[SEQUENTIAL]["spatial"][0],
        accepted=cell(DROP, task_mean("drop"), *HARDEST).accepted,
        experiments=MODES,
        measure=each(SEQUENTIAL, task_mean("drop"), net="spatial"),
        parts=others(DROP, task_mean("drop")),
        readings=welch(DROP, task_mean("drop")),
        decides=WHY_NOT_WELCH,
        null=Control(
            "the regular nets of the same mode", each(SEQUENTIAL, task_mean("drop"), net="regular")
        ),
        controls=every(task_mean("silent_drop"), "lost with disabled neurons silent", "silent"),
        notes=(
            *WELCH_NOTES,
            Note(
                "with disabled neurons silent regular nets lose"
                f" {_numbers('silent', 'regular')} and spatial ones {_numbers('silent', 'spatial')}"
            ),
        ),
    ),
    Claim(
        id="spatial_nets/no_cost",
        kind="claim",
        where="footnote 3",
        what="the spatial losses do not lower the full network's accuracy",
        measured=(
            "accuracy of the whole spatial net less the regular one's of the same seed, mixing; the"
            " other modes are parts; one point counts as no loss"
        ),
        accepted=(-0.01, inf),
        experiments=(*MODES, PRINTED, THREE),
        measure=gained(task_mean("full"), MIXING),
        parts=tuple(
            Reading(SHORT[mode], gained(task_mean("full"), mode), (-0.01, inf), name=SHORT[mode])
            for mode in (CONCATENATION, SEQUENTIAL)
        ),
        null=Control(
            "penalties that do cost, T as printed at alpha 1 less at 0.01",
            less(
                each(PRINTED, task_mean("full"), alpha="printed"),
                each(PRINTED, task_mean("full"), alpha="hundredth"),
            ),
        ),
        controls=(
            *every(task_mean("full"), "whole net", "full", SHORT | {THREE: "three tasks"}),
            *every(
                left(("fgsm",)),
                "both tasks right at the least eps attacked (12/255), FGSM",
                "fgsm",
                {MIXING: "mixing"},
            ),
            *every(
                left(),
                "both tasks right at the least eps attacked (12/255), whole ladder",
                "ladder",
                {MIXING: "mixing"},
            ),
        ),
        notes=(
            Note(
                "{concatenation:+.4f} in concatenation, {measured:+.4f} in mixing,"
                " {sequential:+.4f} in sequential mode; penalties that do cost: {null:+.2f}"
            ),
            Note(
                "nor do they make it robust: both tasks right after all attacks at 12/255"
                " {ladder_mixing_spatial:.3f}, regular {ladder_mixing_regular:.3f}"
            ),
        ),
        draw=claim_figures.no_cost,
    ),
    Claim(
        id="spatial_nets/spatial_splits_better",
        kind="claim",
        where="3 Experiments, Results",
        what="spatial nets split better than regular ones in all three input modes",
        measured=(
            "accuracy after the split, the spatial net less the regular one of the same seed,"
            " mixing; the other modes are parts"
        ),
        accepted=(0.0, inf),
        experiments=(*MODES, THREE),
        measure=gained(task_mean("split"), MIXING),
        parts=tuple(
            Reading(SHORT[mode], gained(task_mean("split"), mode), (0.0, inf), name=SHORT[mode])
            for mode in (CONCATENATION, SEQUENTIAL)
        ),
        readings=tuple(
            Reading(
                f"{SHORT[mode]}, disabled neurons silent",
                gained(task_mean("silent"), mode),
                (0.0, inf),
                name=f"silent_{SHORT[mode]}",
            )
            for mode in MODES
        ),
        decides=(
            "disabled neurons keep their bias in the authors' program, and Table 1, of which the"
            " sentence speaks, agrees with that alone"
        ),
        null=Control(
            "spatial and regular nets exchanged for every other seed, mixing",
            exchanged(*both(task_mean("split"), MIXING)),
        ),
        controls=every(task_mean("split"), "after the split", "split", {THREE: "three tasks"}),
        notes=(
            Note(
                "gained {concatenation:.3f} in concatenation, {measured:.3f} in mixing,"
                " {sequential:.3f} in sequential mode"
            ),
            *(
                Note(
                    f"with disabled neurons silent, as the text has it, {{silent_{mode}:+.3f}} in"
                    f" {mode}, {certain}",
                    when(above(f"silent_{mode}"), below(f"silent_{mode}")),
                )
                for mode in SHORT.values()
                for when, certain in ((one_of, "certain"), (no, "which may be chance"))
            ),
            Note(
                "three tasks, one seed: {split_three_tasks_spatial:.2f} after the split, regular"
                " {split_three_tasks_regular:.2f}"
            ),
        ),
    ),
)
