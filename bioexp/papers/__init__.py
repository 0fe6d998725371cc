"""The documents the library re-implements: for each a module with its equations, one with its figures, one with its claims."""

from importlib import import_module

from bioexp.types import Paper

PAPERS: dict[str, Paper] = {}
BROKEN: dict[str, Exception] = {}  # those whose modules cannot be imported, and why; the others go on without them

for _name in ("log_net", "competing_hidden_units", "spatial_nets", "brain_models", "stdp_rule", "beyond"):
    try:
        PAPERS[_name] = import_module(f"bioexp.papers.{_name}_claims").PAPER
    except Exception as error:
        BROKEN[_name] = error
