"""From a finished run to what is attacked: Run (disk) -> Trained (with network and data) -> Net."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float, Num

from bioexp.config import build
from bioexp.config.reading import load
from bioexp.experiment import Run, Trained
from bioexp.heads import answer, together
from bioexp.measures.alignment import rule_of
from bioexp.models.stack import Forward
from bioexp.ops import Ops, exact
from bioexp.records import Gradient
from bioexp.robustness.evaluate import Apply, Net
from bioexp.robustness.stored import attacked
from bioexp.runs.provenance import code_digest
from bioexp.tree import flatten
from bioexp.types import Dataset, Model, Params, Rule, UserError


def trained(
    runs: Sequence[Run], data_dir: Path | None, *, with_attacks: bool = True
) -> Iterator[Trained]:
    """The runs with networks and data; seeds of one experiment, which follow each other, share
    model and data.

    with_attacks: whether what earlier attacks left of them is read.
    Raises UserError where weights do not fit, the data is gone or another, or that is damaged.
    """
    last: Trained | None = None
    for run in runs:
        shared = last if last and last.run.group == run.group else _opened(run, data_dir)
        _refuse_unfit(run, shared.model)
        attacks = attacked(run.path) if with_attacks else {}
        last = Trained(run, shared.experiment, shared.model, run.weights, shared.dataset, attacks)
        yield last


def nets(group: Sequence[Trained], n: int | None, gradient: Gradient) -> dict[int, Net]:
    """The seeds of one experiment as nets on their first n test images, by seed.

    Raises UserError for a run without classes, for one whose examples each ask one of several
    heads, and for a rule whose training gradient is the true one or a matter of chance.
    """
    first = group[0]
    _refuse_unattackable(first, gradient)
    # one function object for all seeds, one compilation; and one array of images
    if gradient == "true":
        forward = deployed(_as_one(first.model, first.heads))
        params: Sequence[Params] = [each.params for each in group]
    else:
        rules = [rule_of(each) for each in group]
        forward = _as_trained(first.model, rules[0].rule)
        params = [
            {"weights": each.params, "state": rule.state}
            for each, rule in zip(group, rules, strict=True)
        ]
    images, labels = first.dataset.x_test[:n], _answers(first.dataset, first.heads)[:n]
    return {
        each.seed: Net(forward, own, images, labels, _identity(each, n, gradient))
        for each, own in zip(group, params, strict=True)
    }


def guides(seed: int, seeds: Mapping[int, Net], others: Sequence[Mapping[int, Net]]) -> list[Net]:
    """The nets that attacks by transfer on one seed follow: the next seed of its experiment, and of
    each other experiment the same seed or the first.
    """
    order = list(seeds)
    after = order[(order.index(seed) + 1) % len(order)]
    own = [seeds[after]] if after != seed else []
    return own + [other.get(seed, next(iter(other.values()))) for other in others]


def deployed(model: Model) -> Apply:
    """The forward pass with every derivative JAX's own, whatever the rule trained with."""

    def forward(
        params: Params, x: Num[jax.Array, "batch *shape"]
    ) -> Float[jax.Array, "batch classes"]:
        return model.apply(params, x, exact)[0]

    return forward


def _opened(run: Run, data_dir: Path | None) -> Trained:
    (experiment,) = load(run.path / "config.yaml", data_dir=data_dir)
    _, dataset = build.dataset_of(experiment, data_dir, lambda text: None)
    if dataset.digest != run.provenance.dataset.digest:
        raise UserError(
            f"{run.path}: was trained on other data than {dataset.source} holds (digests differ)"
        )
    return Trained(run, experiment, build.model_of(experiment, dataset), run.weights, dataset)


def _refuse_unfit(run: Run, model: Model) -> None:
    file = run.path / "weights.npz"
    expected = flatten(jax.eval_shape(model.init, jax.random.key(0)))
    weights = flatten(run.weights)
    if {name: leaf.shape for name, leaf in expected.items()} != {
        name: leaf.shape for name, leaf in weights.items()
    }:
        raise UserError(
            f"{file}: does not hold this model's weights; train the run again with --force"
        )
    if other := [name for name, leaf in weights.items() if leaf.dtype != expected[name].dtype]:
        raise UserError(
            f"{file}: {other[0]} is of {weights[other[0]].dtype}, this model computes with"
            f" {expected[other[0]].dtype}; train the run again with --force"
        )
    if broken := [name for name, leaf in weights.items() if not np.isfinite(leaf).all()]:
        raise UserError(
            f"{file}: {broken[0]} holds NaN or infinity; train the run again with --force"
        )


def _refuse_unattackable(trained: Trained, gradient: Gradient) -> None:
    name, heads = trained.run.name, trained.heads
    if trained.run.summary.test_accuracy is None:
        raise UserError(f"{name}: its outputs are no classes, so there is nothing to attack")
    if heads > 1 and (trained.dataset.y_test.ndim == 1 or gradient == "training"):
        raise UserError(
            f"{name}: an example of it asks one of {heads} heads, so there is no one classifier "
            "to attack"
        )
    if gradient == "true":
        return
    stage = trained.experiment.stages[-1]
    lowest = stage.train != "all" and not any(path.startswith("layers/0") for path in stage.train)
    if rule_of(trained).rule.ops is None or lowest:
        raise UserError(
            f"{name}: {stage.rule.name} has no fixed backward pass of its own through the whole "
            "net; attack it without --gradient training"
        )


def _identity(trained: Trained, n: int | None, gradient: Gradient) -> str:
    """A digest of all that decides the net's answers: weights, code, images, gradient."""
    code, data = code_digest(trained.experiment), trained.dataset.digest
    identity = hashlib.sha256(repr((trained.run.path.name, code, data, n, gradient)).encode())
    for leaf in jax.tree.leaves(trained.params):
        identity.update(np.asarray(leaf).tobytes())
    return identity.hexdigest()


def _as_one(model: Model, heads: int) -> Model:
    """Several heads as one classifier of all their answers together: an example survives an attack
    when every head is right.
    """

    def apply(
        params: Params, x: Num[jax.Array, "batch *shape"], ops: Ops = exact, start: int = 0
    ) -> Forward:
        logits, layers = model.apply(params, x, ops, start)
        return together(logits, heads), layers

    return model if heads == 1 else Model(model.init, apply)


def _answers(dataset: Dataset, heads: int) -> np.ndarray:
    """The labels or, of several heads, the numbers of their combinations."""
    if heads == 1:
        return dataset.y_test
    return answer(dataset.y_test, dataset.n_classes // heads)


def _as_trained(model: Model, rule: Rule) -> Apply:
    """The same forward pass with the backward pass of the rule: no gradient of what is deployed."""

    def forward(
        params: Params, x: Num[jax.Array, "batch *shape"]
    ) -> Float[jax.Array, "batch classes"]:
        assert rule.ops is not None
        ops = rule.ops(params["weights"], params["state"])
        return model.apply(params["weights"], x, ops)[0]

    return forward
