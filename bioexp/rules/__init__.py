"""Learning rules that more than one paper uses; a paper's own rule lives in its module."""

from bioexp.rules.backprop import backprop
from bioexp.rules.class_mean import class_mean

RULES = {"backprop": backprop, "class_mean": class_mean}
