"""Backprop as a brain model: what happens to credit assignment without its parts, and what hidden
bits know of the image.

Grimmer, "Coursework: Analysing deep neural networks as brain models", November 2022. It prints no
equation numbers; sections
are named instead. Everything runs twice: R has the printed settings (pixels 0 to 255, sigma 0.01,
    learning rate 5e-6), Q those
of a program that matches the document's figures (pixels 0 to 1, sigma 0.1, learning rate 5e-5).

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
5. Fashion-MNIST has 60,000 training images, of which the document mentions 10,000; ours trains on
   all of them.
6. In the random backward pass "dL_dW1 = U.T" has the shape of W1 only for one image, or for as many
   images as units. We take it as dL/dZ = 1 for every image (`instead: ones`), which is what
   broadcasting makes of one image; other readings are shown.
7. The matching program draws its feedback weights anew at every step; the document says fixed, and
   so are ours (`redrawn: true` is shown beside them).
8. A bit of Y or Z is 1 where a unit is at least the mean of |activity| over its layer, image by
   image, as in the matching program; `threshold: half` compares with 0.5. Entropies of the figures
   are of the first 256 test images, as there.
9. The autoencoder's settings are not printed; ours are in configs/brain_models_autoencoder.yaml.
10. Curves on test images come from snapshots, at fewer steps than every 100; curves on training
   images are of every step.
"""

from bioexp.experiment import Trained as Trained
from bioexp.measures import information
from bioexp.papers.brain_models import figures as learning
from bioexp.papers.brain_models import information as bits
from bioexp.papers.brain_models.claims import BACKPROP as BACKPROP
from bioexp.papers.brain_models.claims import CLAIMS, DRAWINGS
from bioexp.papers.brain_models.claims import TITLES as TITLES
from bioexp.papers.brain_models.claims import Number as Number
from bioexp.papers.brain_models.masking import masking_demo as masking_demo
from bioexp.papers.brain_models.measures import (
    AUTOENCODER,
    BASE,
    DEEP,
    MASKING,
    RULES,
    STOCHASTIC,
)
from bioexp.papers.brain_models.measures import (
    CODES as CODES,
)
from bioexp.papers.brain_models.measures import (
    MANY as MANY,
)
from bioexp.papers.brain_models.measures import (
    Layer as Layer,
)
from bioexp.papers.brain_models.measures import (
    after as after,
)
from bioexp.papers.brain_models.measures import (
    change as change,
)
from bioexp.papers.brain_models.measures import (
    curve as curve,
)
from bioexp.papers.brain_models.measures import (
    entropy_margin as entropy_margin,
)
from bioexp.papers.brain_models.measures import (
    gains as gains,
)
from bioexp.papers.brain_models.measures import (
    left as left,
)
from bioexp.papers.brain_models.measures import (
    left_of_w2 as left_of_w2,
)
from bioexp.papers.brain_models.measures import (
    mean_accuracy as mean_accuracy,
)
from bioexp.papers.brain_models.measures import (
    meeting as meeting,
)
from bioexp.papers.brain_models.measures import (
    of as of,
)
from bioexp.papers.brain_models.measures import (
    of_shuffled as of_shuffled,
)
from bioexp.papers.brain_models.measures import (
    processed as processed,
)
from bioexp.papers.brain_models.measures import (
    proven as proven,
)
from bioexp.papers.brain_models.measures import (
    rise_and_fall as rise_and_fall,
)
from bioexp.papers.brain_models.measures import (
    ruled as ruled,
)
from bioexp.papers.brain_models.measures import (
    shape_margin as shape_margin,
)
from bioexp.papers.brain_models.measures import (
    size as size,
)
from bioexp.papers.brain_models.measures import (
    spread as spread,
)
from bioexp.papers.brain_models.measures import (
    unsettled as unsettled,
)
from bioexp.papers.brain_models.model import (
    autoencoder,
    brightest_quadrant,
    matrix,
    one_hidden_layer,
)
from bioexp.papers.measuring import Measure as Measure
from bioexp.papers.measuring import accuracy as accuracy
from bioexp.papers.measuring import each as each
from bioexp.papers.measuring import less as less
from bioexp.papers.paper import Claim as Claim
from bioexp.papers.paper import Control as Control
from bioexp.papers.paper import Drawing as Drawing
from bioexp.papers.paper import Paper, Study
from bioexp.rules.direct_feedback_alignment import direct_feedback_alignment
from bioexp.rules.feedback_alignment import feedback_alignment
from bioexp.rules.no_derivative import no_derivative
from bioexp.rules.stochastic_backward import stochastic_backward

PAPER = Paper(
    study=Study(
        name="brain_models",
        title="Coursework: Analysing deep neural networks as brain models",
        configs=(BASE, RULES, STOCHASTIC, AUTOENCODER, DEEP, MASKING),
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
            "the same from the output to every hidden layer at once (beyond the document)",
            direct_feedback_alignment,
        ),
        ("dL/dZ = dL/dH", no_derivative),
        ("dL/dZ = 1 with probability p", stochastic_backward),
        ("a bit is 1 where |activity| is at least its mean over the layer", information.binarized),
        ("H(Y|X) = H(X, Y) - H(X)", information.conditional),
        ("I(X, Y) = H(Y) - H(Y|X)", information.mutual),
        ("W, the brightest quadrant", brightest_quadrant),
    ),
)
