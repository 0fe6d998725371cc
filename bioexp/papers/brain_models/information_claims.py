"""What the paper claims of the information in hidden bits: under the printed settings (R), with the
same under those of the matching program (Q) as first control.
"""

from __future__ import annotations

from functools import partial
from math import inf

from bioexp.papers.brain_models.bits import (
    CODES,
    MANY,
    change,
    curve,
    entropy_margin,
    meeting,
    of,
    of_shuffled,
    processed,
    proven,
    rise_and_fall,
    shape_margin,
    spread,
    unsettled,
)
from bioexp.papers.brain_models.measures import AUTOENCODER, BASE, after, by_size
from bioexp.papers.measuring import each
from bioexp.papers.paper import Claim, Control, Note, fails, holds

ENTROPY = "2.1 Hidden and output layer activity entropy"
QUADRANTS = "2.2 Image property entropy"
AUTO = "2.3 Autoencoder entropy"

INFORMATION_CLAIMS = (
    Claim(
        id="brain_models/entropy_falls",
        kind="claim",
        where=ENTROPY,
        what=(
            "H(Y|X) falls for all sizes, is larger for larger layers, and meets H(Z|X) for 15 units"
        ),
        measured=(
            "smallest margin of the three parts in bits (meets: within half a bit), 256 images, R"
        ),
        accepted=(0.0, inf),
        experiments=(BASE,),
        measure=entropy_margin("R"),
        controls=(
            Control("the same in Q", entropy_margin("Q")),
            Control("the same of 10,000 images, R", entropy_margin("R", MANY)),
            Control(
                "H(Y|X) - H(Z|X) at the end, 15 units, 256 images, R", by_size("R", 15, meeting())
            ),
            Control(
                "H(Y|X) - H(Z|X) at the end, 15 units, 10,000 images, R",
                by_size("R", 15, meeting(MANY)),
            ),
            Control(
                "H(Y|X) - H(Z|X) at the end, 15 units, 256 images, Q", by_size("Q", 15, meeting())
            ),
            Control(
                "H(Y|X) - H(Z|X) at the end, 15 units, 10,000 images, Q",
                by_size("Q", 15, meeting(MANY)),
            ),
        ),
        notes=(
            Note("one of the three parts does not hold", fails),
            Note(
                "of 256 images; in Q, 60 and 120 units stay at the ceiling where every string "
                "is unique, and of 10,000 images the two entropies of 15 units stay further "
                "apart",
                holds,
            ),
        ),
    ),
    Claim(
        id="brain_models/dpi",
        kind="claim",
        where=ENTROPY,
        what="I(Y;X) >= I(Z;X) throughout training",
        measured="share of 18 snapshots at which it holds, 15 units, 256 images, R",
        accepted=(0.99, 1.0),
        experiments=(BASE,),
        measure=by_size("R", 15, processed()),
        controls=(
            Control("the same in Q", by_size("Q", 15, processed())),
            Control("15 units, 10,000 images, R", by_size("R", 15, processed(MANY))),
            Control("5 units, 10,000 images, R", by_size("R", 5, processed(MANY))),
            Control("5 units, 10,000 images, Q", by_size("Q", 5, processed(MANY))),
        ),
        notes=(
            Note(
                "at some snapshots the outputs' bits tell more of the label than the hidden bits",
                fails,
            ),
            Note(
                "nothing guarantees it: outputs are a function of the hidden activity, not of "
                "its bits, and with 5 units it often fails",
                holds,
            ),
        ),
    ),
    Claim(
        id="brain_models/mi_shape",
        kind="claim",
        where="Fig. 9a",
        what="I(Y;X) rises for 5 and 15 units, falls for 30, stays flat for 60 and 120",
        measured=(
            "smallest margin of the five parts in bits (flat: a change below 0.1), 256 images, R"
        ),
        accepted=(0.0, inf),
        experiments=(BASE,),
        measure=shape_margin("R"),
        controls=(
            Control("the same in Q", shape_margin("Q")),
            *(
                Control(
                    f"I with SHUFFLED labels at step 0, {hidden} units, R",
                    by_size("R", hidden, after(0, partial(curve, quantity=of_shuffled("y", "x")))),
                )
                for hidden in (15, 30, 60, 120)
            ),
            *(
                Control(
                    f"what a decoder proves of 10,000 images, end less start, {hidden} units, R",
                    by_size("R", hidden, proven("x", 0, 10_000)),
                )
                for hidden in (5, 15, 30, 60, 120)
            ),
        ),
        notes=(
            Note("one of the five parts does not hold", fails),
            Note(
                "of 256 images, where shuffled labels give nearly as much: for 30 units and "
                "more these curves tell how many strings are unique; what can be decoded rises "
                "at every size",
                holds,
            ),
        ),
    ),
    Claim(
        id="brain_models/mi_plateau",
        kind="claim",
        where=ENTROPY,
        what="I(Y;X) and I(Z;X) plateau after 4,000 steps",
        measured=(
            "the larger of their changes from step 4,000 to 10,000 in bits, 15 units, 256 images, R"
        ),
        accepted=(0.0, 0.1),
        experiments=(BASE,),
        measure=by_size("R", 15, unsettled),
        controls=(
            Control("the same in Q", by_size("Q", 15, unsettled)),
            Control(
                "change of I(Y;X) before, from 0 to 4,000, R",
                by_size("R", 15, change(of("y", "x"), 0, 4000)),
            ),
            Control(
                "change of I(Z;X) before, from 0 to 4,000, R",
                by_size("R", 15, change(of("z", "x"), 0, 4000)),
            ),
            Control(
                "change of I(Y;X) from 4,000 on, 10,000 images, R",
                by_size("R", 15, change(of("y", "x"), 4000, 10_000, MANY)),
            ),
            Control(
                "change of I(Z;X) from 4,000 on, 10,000 images, R",
                by_size("R", 15, change(of("z", "x"), 4000, 10_000, MANY)),
            ),
        ),
        notes=(
            Note("one of them still changes by more than 0.1 bit after step 4,000", fails),
            Note("they slow down, and rise on as the accuracy does", holds),
        ),
    ),
    Claim(
        id="brain_models/fitting_compression",
        kind="claim",
        where=QUADRANTS,
        what="I(Y;W) rises, then falls: fitting, then compression",
        measured=(
            "the smaller of its rise from step 0 to 500 and its fall from there to the end, in"
            " bits, 15 units, 256 images, R"
        ),
        accepted=(0.0, inf),
        experiments=(BASE,),
        measure=by_size("R", 15, rise_and_fall(partial(curve, quantity=of("y", "w")))),
        controls=(
            Control(
                "the same in Q",
                by_size("Q", 15, rise_and_fall(partial(curve, quantity=of("y", "w")))),
            ),
            Control(
                "the same with SHUFFLED labels, R",
                by_size("R", 15, rise_and_fall(partial(curve, quantity=of_shuffled("y", "w")))),
            ),
            Control(
                "the same of 10,000 images, R",
                by_size("R", 15, rise_and_fall(partial(curve, quantity=of("y", "w"), n=MANY))),
            ),
            Control(
                "the same of 10,000 images, Q",
                by_size("Q", 15, rise_and_fall(partial(curve, quantity=of("y", "w"), n=MANY))),
            ),
            Control(
                "what a decoder proves of 10,000 images: 500 less 0, R",
                by_size("R", 15, proven("w", 0, 500)),
            ),
            Control(
                "what a decoder proves of 10,000 images: 10,000 less 500, R",
                by_size("R", 15, proven("w", 500, 10_000)),
            ),
        ),
        notes=(
            Note(
                "it does not rise first: of 256 images the estimate falls from the start, as it"
                " does with shuffled labels",
                fails,
            ),
            Note("as single seeds may show it", holds),
        ),
    ),
    Claim(
        id="brain_models/izw_constant",
        kind="claim",
        where=QUADRANTS,
        what="I(Z;W) stays about constant",
        measured="largest less smallest value over training in bits, 15 units, 256 images, R",
        accepted=(0.0, 0.2),
        experiments=(BASE,),
        measure=by_size("R", 15, spread(of("z", "w"))),
        controls=(
            Control("the same in Q", by_size("Q", 15, spread(of("z", "w")))),
            Control("from step 1,000 on, R", by_size("R", 15, spread(of("z", "w"), 1000))),
            Control("from step 1,000 on, Q", by_size("Q", 15, spread(of("z", "w"), 1000))),
            Control(
                "largest less smallest value of I(Y;W), R", by_size("R", 15, spread(of("y", "w")))
            ),
        ),
        notes=(
            Note(
                "it moves as much as I(Y;W) in the first 1,000 steps; it is about constant only"
                " from there on",
                fails,
            ),
        ),
    ),
    Claim(
        id="brain_models/autoencoder_mi_rises",
        kind="claim",
        where=AUTO,
        what="I(Y;W) of the autoencoder's code rises throughout training",
        measured=(
            "its change from step 100 to 4,000 in bits, 256 images, R (random codes start at the"
            " ceiling, so step 0 is left out)"
        ),
        accepted=(0.0, inf),
        experiments=(AUTOENCODER,),
        measure=each(AUTOENCODER, change(of("y", "w"), 100, 4000), preset="R"),
        controls=(
            Control(
                "the same in Q", each(AUTOENCODER, change(of("y", "w"), 100, 4000), preset="Q")
            ),
            Control(
                "the same trained by Adam",
                each(AUTOENCODER, change(of("y", "w"), 100, 4000), preset="Adam"),
            ),
            Control(
                "the same with SHUFFLED labels, Q",
                each(AUTOENCODER, change(of_shuffled("y", "w"), 100, 4000), preset="Q"),
            ),
            Control("from step 0, Q", each(AUTOENCODER, change(of("y", "w"), 0, 4000), preset="Q")),
            *(
                Control(
                    f"what a decoder proves of 10,000 images, 4,000 less 100, {name}",
                    each(AUTOENCODER, proven("w", 100, 4000), preset=name),
                )
                for name in CODES
            ),
        ),
        notes=(
            Note(
                "with the printed rate it falls from the ceiling first, as codes become alike; "
                "it rises in Q and by Adam, where shuffled labels rise almost as much",
                fails,
            ),
            Note(
                "shuffled labels rise almost as much; what a decoder proves does rise where the"
                " net learns fast enough",
                holds,
            ),
        ),
    ),
)
