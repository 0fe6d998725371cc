"""What the slides say of the slow rule: where its weights go, and what inhibition is for.

Where they give no number the bar is ours and stands in `accepted`.
"""

from __future__ import annotations

from functools import partial
from math import inf

from bioexp.measures.estimators import share
from bioexp.papers.competing_hidden_units import dynamics, figures
from bioexp.papers.competing_hidden_units.filters import duplicated, duplicates
from bioexp.papers.competing_hidden_units.measures import (
    AUTHOR,
    AUTHOR_RULES,
    DELTA,
    FAST,
    SLOW,
    blow_ups,
    blown_up,
    last,
    settled,
    unstable_less_stable,
    unstable_only,
)
from bioexp.papers.measuring import each, less
from bioexp.papers.paper import Claim, Control, Note, Reading

SLOW_CLAIMS = (
    Claim(
        id="competing_hidden_units/unit_sphere",
        kind="claim",
        where="Convergence",
        what="weights of eq. 3 converge to |W_mu|_2 = 1; norm against time",
        measured=(
            "share of units within 1 % of unit length after 20 passes over 600 images, slow rule"
        ),
        accepted=(0.9, 1.0),
        experiments=(SLOW, AUTHOR, FAST),
        measure=settled(SLOW, 1),
        readings=(
            Reading(
                "the author's settings: one pass, within 1 %",
                settled(AUTHOR, 1),
                (0.9, 1.0),
                name="author",
            ),
            Reading(
                "the author's settings: one pass, within 5 %",
                settled(AUTHOR, 5),
                (0.9, 1.0),
                name="author_5",
            ),
            Reading("20 passes, within 5 %", settled(SLOW, 5), (0.9, 1.0), name="slow_5"),
        ),
        decides=(
            "the sentence is on t -> infinity, to which twenty passes come nearer than one; the"
            " slides' simulation ends after one"
        ),
        controls=(
            Control(
                "of the units beyond 5 % after 20 passes, the share that never moved",
                each(SLOW, dynamics.unmoved),
                name="unmoved",
            ),
            Control(
                "fast rule, 2,000 units: share within 1 % of |W|_3 = 1",
                each(FAST, partial(last, "within_1_percent")),
                name="fast",
            ),
        ),
        null=Control("before learning", each(SLOW, dynamics.settled_before)),
        notes=(
            Note(
                "by the author's protocol, one pass, {author:.2f} of the units are within 1 % and"
                " {author_5:.2f} within 5 %; of those that twenty passes leave beyond 5 % a share"
                " of {unmoved:.2f} never moved"
            ),
        ),
        draw=figures.norms,
    ),
    Claim(
        id="competing_hidden_units/antihebbian_growth",
        kind="claim",
        where="Convergence",
        what="weights of a unit whose h stays in the anti-Hebbian range grow without bound",
        measured=(
            "of the units in that range, the share that would grow without bound if the image"
            " stayed, before learning, the author's settings"
        ),
        accepted=(0.9, 1.0),
        experiments=(AUTHOR, SLOW),
        measure=each(AUTHOR, dynamics.runs_away_before),
        readings=(
            Reading(
                "weights that begin standard normal, as the slides say",
                each(SLOW, dynamics.runs_away_before),
                (0.9, 1.0),
                name="normal",
            ),
            Reading(
                "after learning, the author's settings",
                each(AUTHOR, dynamics.runs_away_after),
                (0.9, 1.0),
                name="after",
            ),
            Reading(
                "after learning, twenty passes",
                each(SLOW, dynamics.runs_away_after),
                (0.9, 1.0),
                name="slow_after",
            ),
        ),
        decides=(
            "the slides show |W|^2 over one presentation by weights that training begins with; eq."
            " 3 makes it depend on W v/|v| > 1, which learning ends"
        ),
        controls=(
            Control(
                f"pairs of unit and image in that range before learning, {dynamics.HELD:,} images",
                each(AUTHOR, dynamics.pairs_before),
                name="pairs",
            ),
        ),
        null=Control(
            "units in the Hebbian range, whose weights tend to v/|v|",
            each(AUTHOR, dynamics.hebbian_runs_away),
        ),
        notes=(
            Note(
                "before learning {measured:.2f} would ({pairs:.0f} pairs a seed), and in finite"
                " time; after it {after:.2f}: the others tend to -v/|v|, of length 1"
            ),
        ),
        draw=figures.anti_hebbian,
    ),
    Claim(
        id="competing_hidden_units/delta_stability",
        kind="claim",
        where="Convergence",
        what="delta 0.4 is unstable, 0.01 stable, in the slow rule",
        measured=(
            "share of seeds in which units blow up with Delta 0.4 and none does with 0.01, the"
            " author's settings"
        ),
        accepted=(0.75, 1.0),
        experiments=(AUTHOR_RULES, AUTHOR, DELTA),
        measure=unstable_only(blow_ups(AUTHOR_RULES, settings="delta-0.4"), blow_ups(AUTHOR)),
        estimator=share,
        readings=(
            Reading(
                "blow-ups per unit, Delta 0.4 less 0.01: one pass of long presentations (0.5"
                " tau_L), normal start",
                unstable_less_stable("long"),
                (1e-9, inf),
                name="long",
            ),
            Reading(
                "the same: twenty passes of short presentations (0.03 tau_L)",
                unstable_less_stable("short"),
                (1e-9, inf),
                name="short",
            ),
        ),
        decides="these are the settings of the program in which the author found it",
        controls=(
            Control(
                "blow-ups with Delta 0.4, the author's settings",
                blow_ups(AUTHOR_RULES, settings="delta-0.4"),
                name="unstable",
            ),
            Control("blow-ups with Delta 0.01", blow_ups(AUTHOR), name="stable"),
            Control(
                "blow-ups per unit with Delta -0.01, the slides' number read literally, long"
                " presentations",
                blown_up("minus-0.01", "long"),
                name="literal",
            ),
        ),
        null=Control(
            "Delta -0.01 in place of 0.4, long presentations",
            unstable_only(blown_up("minus-0.01", "long"), blown_up("0.01", "long")),
        ),
        notes=(
            Note("{unstable:.0f} blow-ups a seed against {stable:.0f}"),
            Note(
                "it is the length of a presentation, too: with short ones Delta 0.4 is as stable",
                when=lambda n: n["short"].value <= 0,
            ),
        ),
    ),
    Claim(
        id="competing_hidden_units/inhibition_prevents_duplicates",
        kind="claim",
        where="Unsupervised Phase",
        what=(
            "when one neuron is tuned to a pattern, lateral inhibition keeps others from becoming"
            " selective to the same"
        ),
        measured=(
            "share of units that are parallel to another (cosine above 0.99), without inhibition"
            " less with it, the author's settings"
        ),
        accepted=(0.2, 1.0),
        experiments=(AUTHOR, AUTHOR_RULES, SLOW),
        measure=less(
            each(AUTHOR_RULES, duplicated, settings="no-inhibition"), each(AUTHOR, duplicated)
        ),
        parts=(
            Reading(
                "with inhibition few are: their share",
                each(AUTHOR, duplicated),
                (0.0, 0.1),
                name="with_it",
            ),
        ),
        readings=(
            Reading(
                "with inhibition, twenty passes of short presentations: the share",
                each(SLOW, duplicated),
                (0.0, 0.1),
                name="twenty",
            ),
        ),
        decides="these are the settings of the slides, and the same but for inhibition",
        controls=(
            Control(
                "without inhibition",
                each(AUTHOR_RULES, duplicated, settings="no-inhibition"),
                name="without",
            ),
        ),
        null=Control(
            "before learning, when nothing is tuned: the share itself",
            each(AUTHOR, lambda net: duplicates(dynamics.ends(net)[0])),
        ),
        notes=(
            Note(
                "{without:.2f} without inhibition, {with_it:.2f} with it; after twenty passes"
                " {twenty:.2f}"
            ),
            Note(
                "one presentation tunes several units to an image at once",
                when=lambda n: n["with_it"].low is not None and n["with_it"].low > 0.1,
            ),
        ),
        draw=figures.alike,
    ),
)
