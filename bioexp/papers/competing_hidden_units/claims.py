"""What the slides on competing hidden units show and claim, an entry for each row of the ledger."""

from __future__ import annotations

from bioexp.papers.competing_hidden_units import fast_figures, figures
from bioexp.papers.competing_hidden_units.accuracy_claims import ACCURACY_CLAIMS
from bioexp.papers.competing_hidden_units.fast_claims import FAST_CLAIMS
from bioexp.papers.competing_hidden_units.measures import (
    AUTHOR,
    AUTHOR_TWIN,
    FAST,
    FEW,
    READINGS,
    RELU,
    SLOW,
)
from bioexp.papers.competing_hidden_units.slow_claims import SLOW_CLAIMS
from bioexp.papers.paper import Drawing

CLAIMS = (*SLOW_CLAIMS, *ACCURACY_CLAIMS, *FAST_CLAIMS)

DRAWINGS = (
    Drawing(
        "competing_hidden_units/h_dynamics",
        "Eq. 1",
        "activities h(t) of eq. 1 under global inhibition, and the steady state",
        (SLOW,),
        figures.h_dynamics,
    ),
    Drawing(
        "competing_hidden_units/h_at_rest",
        "Slide 6",
        "activities at rest by unit, against the threshold h*",
        (AUTHOR,),
        figures.h_at_rest,
    ),
    Drawing(
        "competing_hidden_units/g_of_h",
        "Eq. 2",
        "the plasticity nonlinearity g(h), eq. 2",
        (SLOW,),
        figures.g_of_h,
    ),
    Drawing(
        "competing_hidden_units/one_presentation",
        "Slide 9",
        "|W|^2 over one presentation, for g = 1, -Delta and 0",
        (AUTHOR,),
        figures.one_presentation,
    ),
    Drawing(
        "competing_hidden_units/feature_maps",
        "Unsupervised Training",
        "100 of 484 feature maps, digit-like, from 600 images",
        (SLOW,),
        figures.feature_maps,
    ),
    Drawing(
        "competing_hidden_units/confusion",
        "Supervised Training",
        "confusion matrix of that head",
        (AUTHOR,),
        figures.confusion,
    ),
    Drawing(
        "competing_hidden_units/bp_feature_maps",
        "BP Supervised Training",
        "backprop's feature maps, in which nothing can be read",
        (SLOW, AUTHOR_TWIN, FAST, RELU),
        fast_figures.bp_feature_maps,
    ),
    Drawing(
        "competing_hidden_units/error_over_epochs",
        "Slide 13",
        "train and test error over epochs, bio and backprop",
        (READINGS,),
        fast_figures.error_over_epochs,
    ),
    Drawing(
        "competing_hidden_units/cifar10_maps",
        "Is there anything else?",
        "color feature maps of CIFAR-10, continuity of color",
        (FEW,),
        fast_figures.cifar10_maps,
    ),
    Drawing(
        "competing_hidden_units/cifar10_bp_maps",
        "Slide 14",
        "backprop's feature maps of CIFAR-10",
        (FEW,),
        fast_figures.cifar10_bp_maps,
    ),
)
