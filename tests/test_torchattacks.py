"""APGD and Square beside another implementation of each, on the same weights and images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.attacks import apgd, apgd_dlr, square
from bioexp.robustness.evaluate import Net, evaluate, logits
from bioexp.types import Attack

torch = pytest.importorskip("torch", reason="the oracle needs torch (extra: bench)")
torchattacks = pytest.importorskip(
    "torchattacks",
    reason="the oracle needs torchattacks (pip install --no-deps torchattacks requests)",
)

N, QUERIES = (
    1000,
    2000,
)  # both Squares have converged by then; the other draws one square for all images at once
RNG = np.random.default_rng(0)
V, W = (
    RNG.normal(0, 64**-0.5, (64, 32)).astype(np.float32),
    RNG.normal(0, 32**-0.5, (32, 5)).astype(np.float32),
)


@pytest.fixture(scope="module")
def net() -> Net:
    """A random net of one hidden layer that is always right, as its own answers are the labels."""
    images = RNG.uniform(0, 1, (N, 8, 8)).astype(np.float32)
    net = Net(
        lambda params, x: jax.nn.relu((x.reshape(len(x), -1) - 0.5) @ params["v"]) @ params["w"],
        {"v": V, "w": W},
        images,
        np.zeros(N, np.int32),
    )
    return Net(net.apply, net.params, images, logits(net).argmax(-1).astype(np.int32))


class Cropped(torch.nn.Module):
    """Sees all but the last row and column, which the other Square never moves although algorithm 2
    of the paper does.
    """

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return x[:, :, :-1, :-1].flatten(1)


def module() -> "torch.nn.Module":
    layers = torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 5, bias=False)
    with torch.no_grad():
        layers[0].weight.copy_(torch.from_numpy(V.T.copy()))
        layers[0].bias.copy_(torch.from_numpy(-0.5 * V.sum(0)))
        layers[2].weight.copy_(torch.from_numpy(W.T.copy()))
    return torch.nn.Sequential(Cropped(), *layers).eval()


@pytest.mark.parametrize(
    ("ours", "theirs", "eps"),
    [
        (
            apgd(steps=40),
            lambda net, eps: torchattacks.APGD(net, eps=eps, steps=40, loss="ce"),
            0.03,
        ),
        (
            apgd_dlr(steps=40),
            lambda net, eps: torchattacks.APGD(net, eps=eps, steps=40, loss="dlr"),
            0.03,
        ),
        (
            square(queries=QUERIES),
            lambda net, eps: torchattacks.Square(
                net, eps=eps, n_queries=QUERIES, p_init=0.8 * 64 / 81
            ),
            0.03,
        ),
    ],
    ids=["apgd", "apgd_dlr", "square"],
)
def test_robust_accuracy_is_that_of_torchattacks_within_half_a_point(
    net, ours: Attack, theirs, eps
):
    left = evaluate(net, ours, (eps,), jax.random.key(0)).correct.mean()
    padded = np.pad(net.images, [(0, 0), (0, 1), (0, 1)])[:, None]
    model, x, y = module(), torch.from_numpy(padded), torch.from_numpy(net.labels.astype(np.int64))
    with torch.no_grad():
        np.testing.assert_allclose(
            model(x).numpy(), np.asarray(net.apply(net.params, jnp.asarray(net.images))), atol=1e-5
        )
    x_adv = theirs(model, eps)(x, y)
    with torch.no_grad():
        expected = (model(x_adv).argmax(1) == y).float().mean().item()
    assert 0.1 < expected < 0.9
    assert left == pytest.approx(expected, abs=0.005)
