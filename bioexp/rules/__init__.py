"""Learning rules that more than one paper uses; a paper's own rule lives in its module."""

from bioexp.rules.backprop import backprop
from bioexp.rules.class_mean import class_mean
from bioexp.rules.direct_feedback_alignment import direct_feedback_alignment
from bioexp.rules.feedback_alignment import feedback_alignment
from bioexp.rules.frozen_hidden import frozen_hidden
from bioexp.rules.no_derivative import no_derivative
from bioexp.rules.oja import oja
from bioexp.rules.sign_symmetry import sign_symmetry
from bioexp.rules.soft_hebb import soft_hebb
from bioexp.rules.stochastic_backward import stochastic_backward

RULES = {
    "backprop": backprop,
    "class_mean": class_mean,
    "direct_feedback_alignment": direct_feedback_alignment,
    "feedback_alignment": feedback_alignment,
    "frozen_hidden": frozen_hidden,
    "no_derivative": no_derivative,
    "oja": oja,
    "sign_symmetry": sign_symmetry,
    "soft_hebb": soft_hebb,
    "stochastic_backward": stochastic_backward,
}
