"""Experiment runner for biologically inspired neural networks."""

__version__ = "0.1.0"
