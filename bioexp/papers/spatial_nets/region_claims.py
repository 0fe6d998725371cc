"""Claims on where neurons lie: weights between groups, clusters, and what ReLU does to them.

Bars are ours, set from chance: groups dealt out at random share half of the weight and sort no
neurons.
"""

from __future__ import annotations

from math import inf

from bioexp.papers.measuring import each, less
from bioexp.papers.paper import Claim, Control, Note, Reading
from bioexp.papers.spatial_nets import claim_figures, layer_figures
from bioexp.papers.spatial_nets.measures import (
    CONCATENATION,
    MIXING,
    MODES,
    RELU,
    SEQUENTIAL,
    SHORT,
    Condition,
    above,
    below,
    doublings,
    every,
    gained,
    no,
    task_mean,
)
from bioexp.papers.spatial_nets.regions import (
    by_permuted_groups,
    crossing_into,
    free_weight,
    layer_mean,
    mean_sorting,
    share_between,
    single_output,
    smallest_group,
)
from bioexp.papers.spatial_nets.splits import LAYERS

HIDDEN, OUTPUTS = LAYERS[1:]
INTO = {HIDDEN: "hidden", OUTPUTS: "outputs"}
CLOSE_TO_ZERO = 0.1  # a fifth of what groups dealt out at random share
SORTED = 0.6  # of two groups of equal size four of five nearest neighbors
NO_STRUCTURE = 0.25  # Kaufman & Rousseeuw 1990: a silhouette up to here shows none
MOSTLY = 0.9  # of a neuron's outgoing weight
ALIKE = 0.1  # of the way from chance to pure

RELU_AND_SIGMOID = {RELU: "ReLU", MIXING: "sigmoid"}


def _share(mode: str, number: int) -> Reading:
    """That little weight into a layer of the spatial nets of a mode connects groups."""
    return Reading(
        f"{SHORT[mode]}, into the {'fourth hidden layer' if number == HIDDEN else 'outputs'}",
        each(mode, share_between(number), net="spatial"),
        (0.0, CLOSE_TO_ZERO),
        name=f"{SHORT[mode]}_{INTO[number]}",
    )


def _sorted(mode: str) -> Reading:
    return Reading(
        SHORT[mode],
        each(mode, layer_mean("sorting"), net="spatial"),
        (SORTED, 1.0),
        name=SHORT[mode],
    )


def _whether(name: str) -> tuple[tuple[str, Condition], ...]:
    """What is said of neurons whose sorting is above the bar, below it, or neither."""
    over, under = above(name, SORTED), below(name, SORTED)
    return ("they do", over), ("they do not", under), ("it is undecided", no(over, under))


REGION_CLAIMS = (
    Claim(
        id="spatial_nets/inter_task_weights",
        kind="claim",
        where="3 Experiments, Splitting",
        what="weights between the two groups are close to zero",
        measured=(
            "share of absolute weight between groups, spatial nets, mixing, into the fourth hidden"
            " layer; parts: into the outputs, and the other modes; bar: a fifth of what groups"
            " dealt out at random share"
        ),
        accepted=(0.0, CLOSE_TO_ZERO),
        experiments=MODES,
        measure=_share(MIXING, HIDDEN).measure,
        parts=tuple(
            _share(mode, number)
            for mode in MODES
            for number in (HIDDEN, OUTPUTS)
            if (mode, number) != (MIXING, HIDDEN)
        ),
        null=Control(
            "groups permuted among live neurons",
            each(
                MIXING,
                by_permuted_groups(crossing_into(HIDDEN)),
                net="spatial",
            ),
        ),
        controls=tuple(
            control
            for number in (HIDDEN, OUTPUTS)
            for control in every(
                share_between(number),
                "share of weight between groups into the "
                + ("fourth hidden layer" if number == HIDDEN else "outputs"),
                INTO[number],
            )
        ),
        notes=tuple(
            Note(
                f"{mode}: {{hidden_{mode}_spatial:.2f}} into the fourth hidden layer and"
                f" {{outputs_{mode}_spatial:.2f}} into the outputs, regular nets"
                f" {{hidden_{mode}_regular:.2f}} and {{outputs_{mode}_regular:.2f}}"
            )
            for mode in SHORT.values()
        )
        + (Note("groups dealt out at random {null:.2f}"),),
        draw=claim_figures.between,
    ),
    Claim(
        id="spatial_nets/clusters",
        kind="claim",
        where="Figs 1 and 2",
        what="neurons split into clusters in space, one for each task",
        measured=(
            "how far the share of live neurons whose nearest neighbor is of their own group is"
            " above chance (0) to all (1), mean over layers, spatial nets, mixing; parts: the other"
            " modes; a layer of one group counts 0, as it shows no two clusters"
        ),
        accepted=(SORTED, 1.0),
        experiments=MODES,
        measure=_sorted(MIXING).measure,
        parts=(_sorted(CONCATENATION), _sorted(SEQUENTIAL)),
        readings=(
            Reading(
                "sequential: neighbors of one group more often than by chance",
                _sorted(SEQUENTIAL).measure,
                (0.0, inf),
                name="weakly",
            ),
            *(
                Reading(
                    f"{SHORT[mode]}: compact clusters, a silhouette above 0.25",
                    each(mode, layer_mean("silhouette"), net="spatial"),
                    (NO_STRUCTURE, 1.0),
                    name=f"silhouette_{SHORT[mode]}",
                )
                for mode in MODES
            ),
        ),
        decides=(
            "Fig. 1 shows two colors on two sides, which a nearest neighbor sees; a silhouette asks"
            " for round and compact clusters, too, which the paper does not claim"
        ),
        null=Control(
            "groups permuted among live neurons",
            each(
                MIXING,
                by_permuted_groups(mean_sorting),
                net="spatial",
            ),
        ),
        controls=(
            *every(layer_mean("sorting"), "1-NN purity of live neurons above chance", "sorting"),
            *every(layer_mean("purity"), "1-NN purity of live neurons", "purity"),
            *every(layer_mean("silhouette"), "silhouette of live neurons", "silhouettes"),
            *every(layer_mean("transport"), "T(l), mean over layers", "transport"),
            *every(
                single_output,
                "share of a last hidden neuron's out-weight that goes to one output",
                "single",
            ),
            *every(smallest_group, "smallest group's share of a layer", "smallest"),
        ),
        notes=(
            *(
                Note(
                    f"in {mode} {verb}: 1-NN purity {{purity_{mode}_spatial:.2f}}, above chance"
                    f" {{sorting_{mode}_spatial:.2f}}, silhouette {{silhouette_{mode}:.2f}}",
                    when,
                )
                for mode in SHORT.values()
                for verb, when in _whether(f"sorting_{mode}_spatial")
            ),
            Note(
                "in sequential mode a last hidden neuron has {single_sequential_spatial:.0%} of its"
                " outgoing weight on one output ({single_mixing_spatial:.0%} in mixing): neurons"
                " sit on an output each, and not in a region",
                above("single_sequential_spatial", MOSTLY),
            ),
        ),
        draw=layer_figures.regions,
    ),
    Claim(
        id="spatial_nets/relu_rescaling",
        kind="claim",
        where="2 Spatial neural network, Activation function",
        what=(
            "with ReLU the net lowers its wiring cost by rescaling, without changing its spatial"
            " structure"
        ),
        measured=(
            "doublings of the mean length of a unit of weight, spatial net against its regular"
            " twin, ReLU, mixing: at least 0 where T falls by smaller weights alone; part: neurons"
            " are sorted by task no more than the twin's"
        ),
        accepted=(0.0, inf),
        experiments=(RELU, MIXING),
        measure=doublings(layer_mean("length"), RELU),
        parts=(
            Reading(
                "1-NN purity above chance, spatial net less its regular twin, ReLU",
                gained(layer_mean("sorting"), RELU),
                (-inf, ALIKE),
                name="structure",
            ),
        ),
        readings=(
            Reading(
                "1-NN purity above chance, spatial nets, sigmoid less ReLU",
                less(
                    each(MIXING, layer_mean("sorting"), net="spatial"),
                    each(RELU, layer_mean("sorting"), net="spatial"),
                ),
                (0.0, inf),
                name="less_structure",
            ),
            Reading(
                "doublings of the weights that cost nothing, ReLU less sigmoid",
                less(doublings(free_weight, RELU), doublings(free_weight, MIXING)),
                (0.0, inf),
                name="taken_over",
            ),
        ),
        decides=(
            "'without changing its spatial structure' is said of the ReLU net itself; that it has"
            " less of it than with sigmoids, and that the free weights take over what the others"
            " lose, are weaker and stronger forms"
        ),
        null=Control("sigmoid nets", doublings(layer_mean("length"), MIXING)),
        controls=(
            Control("ReLU: doublings of T(l)", doublings(layer_mean("transport"), RELU), name="t"),
            *(
                control
                for number, what, name in (
                    (free_weight, "root mean square of weights that cost nothing", "free"),
                    (layer_mean("length"), "mean length of a unit of weight", "length"),
                    (layer_mean("purity"), "1-NN purity of live neurons", "purity"),
                    (layer_mean("sorting"), "1-NN purity above chance", "sorting"),
                    (task_mean("split"), "after the split", "split"),
                )
                for control in every(number, what, name, RELU_AND_SIGMOID)
            ),
        ),
        notes=(
            Note(
                "with ReLU the penalties change T by {t:+.1f} doublings and the length of a unit of"
                " weight by {measured:+.1f} ({null:+.1f} with sigmoids)"
            ),
            Note(
                "cost falls by smaller weights over longer distances, as predicted",
                lambda n: above("measured")(n) and below("t")(n),
            ),
            Note(
                "but the structure changes: 1-NN purity {purity_ReLU_spatial:.2f}, its twin's"
                " {purity_ReLU_regular:.2f}, sigmoid {purity_sigmoid_spatial:.2f}",
                above("structure", ALIKE),
            ),
            Note(
                "nor do weights that cost nothing take over what the others lose"
                " ({taken_over:+.2f} doublings against sigmoids)",
                below("taken_over"),
            ),
        ),
        draw=layer_figures.rescaled,
    ),
)
