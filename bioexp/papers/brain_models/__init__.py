"""Backprop as a brain model: what happens to credit assignment without its parts, and what hidden
bits know of the image.

Grimmer, "Coursework: Analysing deep neural networks as brain models", November 2022. It prints no
equation numbers; sections are named instead. Everything runs twice: R has the printed settings
(pixels 0 to 255, sigma 0.01, learning rate 5e-6), Q those of a program that matches its figures
(pixels 0 to 1, sigma 0.1, learning rate 5e-5).

Deviations, and what each costs
1. Its "epoch" is one minibatch (its code trains one batch and tests every 100): lengths are steps,
   10,000 of them. The batch size is not printed; ours is 256. Batches are drawn without replacement
   within a pass through the data.
2. Gradients there are summed over the minibatch, ours are means: our learning rates are the printed
   ones times 256. With the printed rate on a mean nothing would be learned. The loss is 1/2 sum (v
   - t)^2 per image, whose derivative its code uses.
3. "nn.W1 = lr * dL_dW1" is read as nn.W1 -= lr * dL_dW1.
4. With pixels in [0, 1] the printed learning rate barely learns; R therefore has raw pixels, Q
   another rate and sigma.
5. Fashion-MNIST has 60,000 training images, of which the paper mentions 10,000; ours trains on all
   of them.
6. In the random backward pass "dL_dW1 = U.T" has the shape of W1 only for one image, or for as many
   images as units. We take it as dL/dZ = 1 for every image (`instead: ones`), which is what
   broadcasting makes of one image; other readings are shown.
7. The matching program draws its feedback weights anew at every step; the paper says fixed, and so
   are ours (`redrawn: true` is shown beside them).
8. A bit of Y or Z is 1 where a unit is at least the mean of |activity| over its layer, image by
   image, as in the matching program; `threshold: half` compares with 0.5. Entropies of the figures
   are of the first 256 test images, as there.
9. The autoencoder's settings are not printed; ours are in configs/brain_models/autoencoder.yaml.
10. Curves on test images come from snapshots, at fewer steps than every 100; curves on training
   images are of every step.
"""

from bioexp.measures.information import binarized, conditional, mutual
from bioexp.papers.brain_models.claims import CLAIMS, DRAWINGS
from bioexp.papers.brain_models.measures import BASE
from bioexp.papers.brain_models.model import (
    autoencoder,
    brightest_quadrant,
    matrix,
    one_hidden_layer,
)
from bioexp.papers.paper import Paper, Study
from bioexp.rules.direct_feedback_alignment import direct_feedback_alignment
from bioexp.rules.feedback_alignment import feedback_alignment
from bioexp.rules.no_derivative import no_derivative
from bioexp.rules.stochastic_backward import stochastic_backward

PAPER = Paper(
    study=Study(
        name="brain_models",
        title="Coursework: Analysing deep neural networks as brain models",
        about=__doc__ or "",
        configs=(
            "brain_models",
            "brain_models/autoencoder",
            "brain_models/deep",
            "brain_models/masking_demo",
            "brain_models/rules",
            "brain_models/stochastic",
        ),
        drawings=DRAWINGS,
        claims=CLAIMS,
        repeated=(BASE,),
    ),
    authors="Joel Grimmer",
    year=2022,
    models={"one_hidden_layer": one_hidden_layer, "autoencoder": autoencoder},
    equations=(
        ("Z = U W1, H = f(Z), v = H W2", matrix),
        ("dL/dH = dL/dv B, B fixed and random, in place of dL/dv W2'", feedback_alignment),
        (
            "the same from the output to every hidden layer at once (beyond the paper)",
            direct_feedback_alignment,
        ),
        ("dL/dZ = dL/dH", no_derivative),
        ("dL/dZ = 1 with probability p", stochastic_backward),
        ("a bit is 1 where |activity| is at least its mean over the layer", binarized),
        ("H(Y|X) = H(X, Y) - H(X)", conditional),
        ("I(X, Y) = H(Y) - H(Y|X)", mutual),
        ("W, the brightest quadrant", brightest_quadrant),
    ),
)
