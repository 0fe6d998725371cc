"""Experiment runner for biologically inspired neural networks.

from bioexp import attack, fit, load

runs = fit(load("configs/log_net.yaml"), seeds=3)
table = attack(runs, attacks=["fgsm"], eps=[0.1])
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["attack", "fit", "load"]

if TYPE_CHECKING:
    from bioexp.config.reading import load
    from bioexp.runs.attack import attack
    from bioexp.runs.train import fit

_HOMES = {
    "attack": "bioexp.runs.attack",
    "fit": "bioexp.runs.train",
    "load": "bioexp.config.experiment",
}


def __getattr__(name: str) -> object:
    """Import on first use: `bioexp --help` must not wait for JAX."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'bioexp' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
