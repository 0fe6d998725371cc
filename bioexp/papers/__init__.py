"""The documents the library re-implements: for each a module with its equations, one with its figures, one with its claims."""

from bioexp.papers.log_net_claims import PAPER as LOG_NET

PAPERS = {paper.name: paper for paper in (LOG_NET,)}
