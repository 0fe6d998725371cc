"""The pictures every run has: its first layer's weights, its learning curve and what its rules
observed, from its directory.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bioexp.figures.canvas import save
from bioexp.figures.learning_curve import learning_curve
from bioexp.figures.mosaic import mosaic
from bioexp.figures.observed import observations, observed
from bioexp.measures.prototypes import class_means, prototype_score
from bioexp.records import read_metrics
from bioexp.types import Dataset, Examples, Params


def draw(
    path: Path, weights: Params, dataset: Dataset, train: Examples, test: tuple[float, int] | None
) -> None:
    """figures/w1.png where the inputs are images, figures/learning_curve.png and stage<N>.png where
    there is something to show.

    test: the final test accuracy and the number of test images; None where there are no classes.
    """
    title = f"{path.parent.name}, {dataset.name}, seed {path.name.rpartition('-s')[2]}"
    w1 = np.asarray(weights["layers"]["0"]["w"])
    if (
        train.y.ndim == 1
        and len(dataset.shape) in (2, 3)
        and w1.shape[1] == int(np.prod(dataset.shape))
    ):
        score = prototype_score(w1, class_means(train.x, train.y, dataset.n_classes))
        caption = (
            f"first {min(len(w1), 100)} of {len(w1)} units; mean best correlation with a class mean"
            f" {score:.2f}, the mean of all projected out (n={len(train.y):,} training images)"
        )
        save(
            mosaic(w1, dataset.shape, title=f"first-layer weights w1: {title}", caption=caption),
            path / "figures" / "w1.png",
        )
    records = read_metrics(path / "metrics.jsonl", finished=False)
    if sum("train_loss" in record or "train_accuracy" in record for record in records) > 1:
        save(
            learning_curve(records, title=title, n_train=len(train.y), test=test),
            path / "figures" / "learning_curve.png",
        )
    for stage in sorted({record["stage"] for record in records if observations(record)}):
        of_stage = [record for record in records if record["stage"] == stage]
        save(
            observed(of_stage, title=f"stage {stage}: {title}"),
            path / "figures" / f"stage{stage}.png",
        )
