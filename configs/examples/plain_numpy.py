"""A saved log net without bioexp.

python configs/examples/plain_numpy.py results/log_net/0b493a8b-s0

weights.npz (arrays by their paths, no pickles) and config.yaml (every default written out) are all
that a net consists of.
"""

import sys
from pathlib import Path

import numpy as np
import yaml


def log_net(folder):
    """The net of a run directory: images in [0, 1] (n, ...) to logits (n, classes)."""
    model = yaml.safe_load((Path(folder) / "config.yaml").read_text())["model"]
    assert model["name"] == "log_net"
    assert model["log"]
    assert not model["signed"]
    with np.load(Path(folder) / "weights.npz") as saved:
        w1, w2 = saved["layers/0/w"], saved["layers/1/w"]

    def logits(images):
        x = images.reshape(len(images), -1)
        # x3[i] = sum_j w2[i,j] log(1/N sum_k w1[j,k] x1[k])
        return np.log(x @ w1.T / x.shape[1] + 1e-7) @ w2.T

    return logits


if __name__ == "__main__":
    with np.load(Path(sys.argv[1]) / "attacks" / "fgsm.npz") as attacked:
        for eps, images in zip(attacked["eps"], attacked["x_adv"], strict=True):
            classes = log_net(sys.argv[1])(images / 255).argmax(1)
            print(f"classes that FGSM leads to at eps {eps:.3g}:", np.bincount(classes))
