"""Networks that more than one paper uses; a paper's own model lives in its module."""

from bioexp.models.class_mean import class_mean
from bioexp.models.mlp import mlp

MODELS = {"class_mean": class_mean, "mlp": mlp}
