"""Where a claim cannot be true: nets before training, shuffled labels, exchanged sides."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made import made

from bioexp.models import mlp
from bioexp.papers.measuring import accuracy, each, less, predictions, weights
from bioexp.papers.nulls import exchanged, shuffled, untrained
from bioexp.types import Dataset

LABELS = np.arange(120, dtype=np.int32) % 3
IMAGES = (np.eye(3)[LABELS] * 255).astype(np.uint8)  # a pixel for each class
DATA = Dataset("made", "made", IMAGES, LABELS, IMAGES, LABELS, 3, "0")
NET = mlp((3,), 3, hidden=(), bias=False)


def perfect(seed=0):
    """A net that reads the class off the pixels, as training leaves it."""
    params = {"layers": {"0": {"w": jnp.eye(3)}}}
    return made(network=NET, params=params, dataset=DATA, seed=seed)


def test_before_training_a_net_has_the_weights_that_its_seed_draws_and_their_accuracy():
    evidence = {"made": [perfect(seed) for seed in range(3)]}
    assert each("made", accuracy)(evidence) == {0: 1, 1: 1, 2: 1}
    first = untrained(each("made", lambda net: float(weights(net, 0)[0, 0])))(evidence)
    for seed, value in first.items():
        drawn = NET.init(jax.random.key(seed))["layers"]["0"]["w"]
        assert value == pytest.approx(float(drawn[0, 0]))
    found = untrained(each("made", accuracy))(evidence)
    assert found == untrained(each("made", lambda net: (predictions(net) == LABELS).mean()))(
        evidence
    )
    assert min(found.values()) < 1


def test_with_shuffled_labels_accuracy_is_that_of_chance():
    found = shuffled(each("made", accuracy))({"made": [perfect(seed) for seed in range(9)]})
    assert np.mean(list(found.values())) == pytest.approx(1 / 3, abs=0.05)
    assert len(set(found.values())) > 1, "each seed has an order of its own"


def test_with_sides_exchanged_a_difference_goes_either_way():
    first, second = (lambda evidence, at=at: dict.fromkeys(range(4), at) for at in (0.9, 0.4))
    assert less(first, second)({}) == {seed: pytest.approx(0.5) for seed in range(4)}
    assert list(exchanged(first, second)({}).values()) == pytest.approx([0.5, -0.5, 0.5, -0.5])
