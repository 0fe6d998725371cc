"""The documents the library re-implements: for each a module with its equations, one with its figures, one with its claims."""

from bioexp.papers.brain_models_claims import PAPER as BRAIN_MODELS
from bioexp.papers.competing_hidden_units_claims import PAPER as COMPETING_HIDDEN_UNITS
from bioexp.papers.log_net_claims import PAPER as LOG_NET
from bioexp.papers.spatial_nets_claims import PAPER as SPATIAL_NETS
from bioexp.papers.stdp_rule_claims import PAPER as STDP_RULE

PAPERS = {paper.name: paper for paper in (LOG_NET, COMPETING_HIDDEN_UNITS, SPATIAL_NETS, BRAIN_MODELS, STDP_RULE)}
