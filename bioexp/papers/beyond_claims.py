"""What lies beyond the documents, as one more of them: figures only, drawn from the runs of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioexp.papers.beyond import BY_DATASET, rule_by_dataset
from bioexp.papers.beyond import controls as beside_controls
from bioexp.papers.beyond import rule_by_attack as under_attacks
from bioexp.papers.brain_models_claims import PAPER as BRAIN_MODELS
from bioexp.papers.competing_hidden_units_claims import PAPER as COMPETING_HIDDEN_UNITS
from bioexp.papers.log_net_claims import PAPER as LOG_NET
from bioexp.papers.spatial_nets_claims import PAPER as SPATIAL_NETS
from bioexp.papers.stdp_rule_claims import PAPER as STDP_RULE
from bioexp.types import Drawing, Evidence, Paper

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCUMENTS = (LOG_NET, COMPETING_HIDDEN_UNITS, SPATIAL_NETS, BRAIN_MODELS, STDP_RULE)
ATTACKED = tuple(config for paper in DOCUMENTS for config in paper.attacked)
CONTROLLED = (  # claims whose controls are of every kind: class means, random and raw filters, a frozen layer, shuffled labels, no layer
    "log_net/robust",
    "log_net/parallel_lines",
    "competing_hidden_units/error_fast",
    "spatial_nets/inter_task_weights",
    "brain_models/no_derivative_inferior",
    "brain_models/autoencoder_mi_rises",
    "stdp_rule/comparable",
)
CLAIMS = tuple(claim for paper in DOCUMENTS for claim in paper.claims if claim.id in CONTROLLED)
OF_CLAIMS = tuple(dict.fromkeys(config for claim in CLAIMS for config in claim.configs))
CONFIGS = tuple(dict.fromkeys((*BY_DATASET, *ATTACKED, *OF_CLAIMS)))


def rule_by_attack(evidence: Evidence) -> Figure:
    return under_attacks({config: evidence[config] for config in ATTACKED})


def controls(evidence: Evidence) -> Figure:
    return beside_controls(CLAIMS, evidence)


PAPER = Paper(
    name="beyond",
    title="Beyond the documents",
    authors="bioexp",
    year=2026,
    configs=CONFIGS,
    models={},
    rules={},
    drawings=(
        Drawing(
            "beyond/rule_by_dataset",
            "",
            "every rule on every image dataset, mean and 95 % interval over seeds",
            BY_DATASET,
            rule_by_dataset,
        ),
        Drawing("beyond/rule_by_attack", "", "the attacked nets under the ladder of attacks, with flags", ATTACKED, rule_by_attack),
        Drawing("beyond/controls", "", "claims beside the controls that would explain them away", OF_CLAIMS, controls),
    ),
    claims=(),
    attacked=ATTACKED,
    repeated=tuple(config for paper in DOCUMENTS for config in paper.repeated),
    single=tuple(config for paper in DOCUMENTS for config in paper.single),
    full={config: long for paper in DOCUMENTS for config, long in paper.full.items()},
)
