"""What the slides say of the fast rule: its error on MNIST and on CIFAR-10, color, robustness."""

from __future__ import annotations

from math import inf

from bioexp.papers.competing_hidden_units import fast_figures as figures
from bioexp.papers.competing_hidden_units.filters import (
    channels,
    few_error,
    neighbors,
    neighbors_in_change,
)
from bioexp.papers.competing_hidden_units.measures import (
    CIFAR,
    FAST,
    FEW,
    MATCHED,
    RANDOM,
    RAW,
    READINGS,
    RELU,
    RELU_HEAD,
    STEPPED,
    error,
    held_out_error,
    train_error,
)
from bioexp.papers.competing_hidden_units.robust import IMAGES, QUERIES, advantage, after_square
from bioexp.papers.measuring import accuracy, each, less, more_survive, robust
from bioexp.papers.paper import Claim, Control, Note, Numbers, Reading

CROSSED = {  # readings of the paper's method, by their name in the config
    "unit": "unit length in both phases (ours)",
    "raw": "raw pixels in the unsupervised phase",
    "powered": "<W, v>_3 in the forward pass",
    "powered-raw": "both",
    "half-rate": "ours, half the head's rate",
}
GAP = 0.0021  # between the slides' error and what we had, 1.67 %


def _spread(numbers: Numbers) -> float:
    """By how much the best of the crossed readings is better than ours, on held-out images."""
    errors = {name: numbers[_named(name)].value for name in CROSSED}
    return errors["unit"] - min(errors.values())


def _named(reading: str) -> str:
    return reading.replace("-", "_")


change_by_backprop = each(FEW, neighbors_in_change, filters="backprop", n="4000")

FAST_CLAIMS = (
    Claim(
        id="competing_hidden_units/error_fast",
        kind="number",
        share=True,
        one_net=True,
        where="Conclusions",
        what=(
            "fast (ranking, minibatch) rule, 2000 hidden units, all of MNIST, test error; backprop"
            " 0.015"
        ),
        measured="test error, the rate of the head in three steps as in the published program",
        expected=0.0146,
        accepted=(0.0136, 0.0156),
        experiments=(STEPPED, FAST, READINGS, RELU, RAW, RANDOM),
        measure=each(STEPPED, error),
        readings=(
            Reading(
                "the rate of the head along half a cosine, 100 epochs",
                each(FAST, error),
                (0.0136, 0.0156),
                name="cosine",
                expected=0.0146,
            ),
        ),
        decides="the published program lowers the rate of the head in steps",
        controls=(
            Control(
                "train error in the last epoch (slides' curve: about 0.004)",
                each(STEPPED, train_error),
                name="train",
            ),
            *(
                Control(
                    f"held-out error, 1,000 units, 20 epochs: {words}",
                    held_out_error(name),
                    name=_named(name),
                )
                for name, words in CROSSED.items()
            ),
            Control(
                "held-out error, 1,000 units: ReLU net by backprop, 20 epochs",
                held_out_error("backprop"),
                name="held_out_backprop",
            ),
            Control("ReLU net of 2,000 units by backprop", each(RELU, error), name="relu"),
            Control("2,000 training images as filters", each(RAW, error), name="images"),
        ),
        null=Control("2,000 random filters", each(RANDOM, error), name="random"),
        notes=(
            Note(
                "train error {train:.4f}; ReLU by backprop {relu:.4f}, training images as filters"
                " {images:.4f}, random ones {random:.4f}"
            ),
            Note(
                "held out, at half the size: {unit:.4f} as here, {raw:.4f} with raw pixels,"
                " {powered:.4f} with <W, v>_3, {powered_raw:.4f} with both, {half_rate:.4f} at half"
                " the rate"
            ),
            Note(
                "no other reading gains the 0.0021 between the slides' 0.0146 and 0.0167: what is"
                " left is the length of training",
                when=lambda n: _spread(n) < GAP,
            ),
            Note(
                "another reading gains as much as separates the slides' 0.0146 from 0.0167",
                when=lambda n: _spread(n) >= GAP,
            ),
        ),
    ),
    Claim(
        id="competing_hidden_units/cifar10",
        kind="number",
        share=True,
        one_net=True,
        where="Is there anything else?",
        what="test error on CIFAR-10 as the slides state it",
        measured="test error, modified fast rule",
        expected=0.4495,
        accepted=(0.4295, 0.4695),
        experiments=(CIFAR,),
        measure=each(CIFAR, error, filters="learned"),
        readings=(
            Reading(
                "the paper as it is usually cited: 49.25 % (44.74 % by backprop)",
                each(CIFAR, error, filters="learned"),
                (0.4725, 0.5125),
                name="cited",
                expected=0.4925,
            ),
        ),
        decides="the slides print 44.95 %",
        controls=(
            Control(
                "training images as filters", each(CIFAR, error, filters="images"), name="images"
            ),
        ),
        null=Control("random filters", each(CIFAR, error, filters="noise")),
        notes=(
            Note("training images as filters: {images:.3f}; random ones: {null:.3f}"),
            Note(
                "it is nearer to the 0.4925 that the paper is usually cited with",
                when=lambda n: (
                    abs(n["measured"].value - 0.4925) < abs(n["measured"].value - 0.4495)
                ),
            ),
        ),
    ),
    Claim(
        id="competing_hidden_units/cifar10_color",
        kind="claim",
        where="Is there anything else?",
        what="the unsupervised algorithm discovers the continuity of color in the data",
        measured=(
            "correlation of a weight with that of the next pixel, learned filters less backprop's;"
            " 5,000 images, not comparable"
        ),
        accepted=(0.0, inf),
        experiments=(FEW,),
        measure=less(neighbors("learned"), neighbors("backprop")),
        parts=(
            Reading(
                "correlation of a pixel's weights in two channels, learned less backprop's",
                less(channels("learned"), channels("backprop")),
                (0.0, inf),
                name="colors",
            ),
        ),
        readings=(
            Reading(
                "next pixel: learned filters less training images",
                less(neighbors("learned"), neighbors("images")),
                (0.0, inf),
                name="over_images",
            ),
            Reading(
                "next pixel: learned filters less what training changed in those of backprop, which"
                " begin as noise",
                less(neighbors("learned"), change_by_backprop),
                (0.0, inf),
                name="over_change",
            ),
        ),
        decides="the slides set the maps beside those of backprop",
        controls=(
            Control("next pixel: what backprop changed", change_by_backprop, name="change"),
            *(
                Control(f"next pixel: {words}", neighbors(name), name=f"{name}_pixels")
                for name, words in figures.CIFAR_NETS.items()
            ),
            *(
                Control(f"two channels: {words}", channels(name), name=f"{name}_channels")
                for name, words in figures.CIFAR_NETS.items()
            ),
            *(
                Control(f"test error on 1,000 images: {words}", few_error(name, "4000"), name=name)
                for name, words in figures.CIFAR_NETS.items()
            ),
        ),
        null=Control(
            "random filters less backprop's", less(neighbors("noise"), neighbors("backprop"))
        ),
        notes=(
            Note(
                "next pixel {learned_pixels:.2f} (images {images_pixels:.2f}, backprop"
                " {backprop_pixels:.2f}, random {noise_pixels:.2f}), two channels"
                " {learned_channels:.2f} ({images_channels:.2f}, {backprop_channels:.2f},"
                " {noise_channels:.2f}); test errors {learned:.2f}, {images:.2f}, {backprop:.2f},"
                " {noise:.2f} on 1,000 images, not comparable"
            ),
            Note(
                "the images are no less continuous, and what backprop changed has {change:.2f}",
                when=lambda n: n["images_pixels"].value >= n["learned_pixels"].value - 0.02,
            ),
        ),
        draw=figures.cifar10_few,
    ),
    Claim(
        id="competing_hidden_units/adversarial",
        kind="claim",
        where="Open question",
        what="open question of the slides: are such nets a defence against adversarial attacks?",
        measured=(
            "robust accuracy at eps 0.1 (noise, FGSM, PGD, transfer), fast rule less a ReLU net by"
            " backprop that was stopped at the same clean accuracy"
        ),
        accepted=(0.0, inf),
        experiments=(FAST, MATCHED, RELU, RELU_HEAD, RAW, RANDOM),
        measure=advantage(FAST, MATCHED),
        per_image=more_survive(FAST, MATCHED),
        readings=(
            Reading(
                "less the ReLU net trained to the end",
                advantage(FAST, RELU),
                (0.0, inf),
                name="to_the_end",
            ),
            Reading(
                "the same filters with a ReLU head, less the matched net",
                advantage(RELU_HEAD, MATCHED),
                (0.0, inf),
                name="relu_head_less",
            ),
            Reading(
                "training images as filters, nothing learned, less the matched net",
                advantage(RAW, MATCHED),
                (0.0, inf),
                name="images_less",
            ),
        ),
        decides="a less accurate net may be the more robust, so that accuracies are made equal",
        controls=(
            Control("fast rule", each(FAST, robust), (FAST,), name="fast"),
            Control("matched net by backprop", each(MATCHED, robust), (MATCHED,), name="matched"),
            Control("ReLU net trained to the end", each(RELU, robust), (RELU,), name="relu"),
            Control(
                "the same filters, ReLU head", each(RELU_HEAD, robust), (RELU_HEAD,), name="head"
            ),
            Control(
                "TRAINING IMAGES as filters, nothing learned",
                each(RAW, robust),
                (RAW,),
                name="images",
            ),
            Control("random filters", each(RANDOM, robust), (RANDOM,), name="random"),
            Control("clean accuracy, fast rule", each(FAST, accuracy), name="clean"),
            Control("clean accuracy, matched net", each(MATCHED, accuracy), name="clean_matched"),
            Control(
                f"left by the square attack, {QUERIES:,} queries, {IMAGES} images: fast rule",
                after_square(FAST),
                name="square",
            ),
            Control(
                f"left by the square attack, {QUERIES:,} queries, {IMAGES} images: matched net",
                after_square(MATCHED),
                name="square_matched",
            ),
        ),
        null=Control("random filters less the matched net", advantage(RANDOM, MATCHED)),
        notes=(
            Note(
                "{fast:.2f} of the images survive, {matched:.2f} by the matched net (clean"
                " {clean:.3f} and {clean_matched:.3f}); square alone leaves {square:.2f} and"
                " {square_matched:.2f}"
            ),
            Note(
                "the plasticity rule is not needed for it: training images as filters keep"
                " {images:.2f}",
                when=lambda n: n["images"].value >= n["fast"].value - 0.05,
            ),
            Note(
                "nor is it the filters alone: with a ReLU head they keep {head:.2f}",
                when=lambda n: n["head"].value < n["fast"].value - 0.05,
            ),
        ),
        flagged=(FAST, MATCHED),
        draw=figures.adversarial,
    ),
)
