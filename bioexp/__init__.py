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


def __getattr__(name: str) -> object:
    """Import on first use: `bioexp --help` must not wait for JAX."""
    if name == "load":
        from bioexp.config.reading import load

        return load
    if name == "fit":
        from bioexp.runs.train import fit

        return fit
    if name == "attack":
        from bioexp.runs.attack import attack

        return attack
    raise AttributeError(f"module 'bioexp' has no attribute {name!r}")
