"""The documents the library re-implements: one module each."""

from bioexp.papers.log_net import PAPER as LOG_NET

PAPERS = {paper.name: paper for paper in (LOG_NET,)}
