from bioexp.papers.brain_models import autoencoder, one_hidden_layer
from bioexp.types import Paper

PAPER = Paper(
    name="brain_models",
    title="Analysing deep neural networks as brain models (coursework)",
    authors="Joel Grimmer",
    year=2022,
    configs=(),
    models={"one_hidden_layer": one_hidden_layer, "autoencoder": autoencoder},
    rules={},
    drawings=(),
    claims=(),
)
