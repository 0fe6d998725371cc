"""What is attacked: finished runs as nets, seeds of one experiment with one forward pass, and the nets that transfer follows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Num

from bioexp import build
from bioexp.heads import answer, together
from bioexp.measures.robustness import Apply, Net
from bioexp.models.stack import Forward
from bioexp.ops import Ops, exact
from bioexp.provenance import code_digest
from bioexp.run import Revived, revive
from bioexp.training import begin
from bioexp.types import Batch, Dataset, Model, Params, Rule, Run, State, UserError


@dataclass(frozen=True)
class Target:
    """A run, its net on the test images, and where these come from.

    identity: of everything that decides the net's answers: weights, code, images, gradient.
    """

    run: Run
    net: Net
    dataset: str
    source: str
    identity: str


def targets(group: Sequence[Run], data_dir: Path | None, n: int | None, gradient: Literal["true", "training"]) -> list[Target]:
    """The nets of one experiment, on their first n test images.

    Raises UserError for a run without classes, for one whose examples each ask one of several heads, and for a rule whose training
    gradient is the true one or a matter of chance.
    """
    found: list[Target] = []
    forward: Apply | None = None
    images: tuple[np.ndarray, np.ndarray] | None = None
    for run in group:
        revived = revive(run, data_dir)
        if "test_loss" in run.summary:
            raise UserError(f"{run.name}: its outputs are no classes, so there is nothing to attack")
        heads = max(1, sum(name.startswith("test_accuracy_task") for name in run.summary))
        if heads > 1 and (revived.dataset.y_test.ndim == 1 or gradient == "training"):
            raise UserError(f"{run.name}: an example of it asks one of {heads} heads, so there is no one classifier to attack")
        params = revived.params
        if gradient == "training":
            rule, state = _trained_with(revived, run)
            params = {"weights": params, "state": state}
        # one function object for all seeds, one compilation; and one array of images
        forward = forward or (deployed(_as_one(revived.model, heads)) if gradient == "true" else _as_trained(revived.model, rule))
        images = images or (revived.dataset.x_test[:n], _answers(revived.dataset, heads)[:n])
        made_of = (run.path.name, code_digest(revived.experiment), revived.dataset.digest, n, gradient)
        identity = hashlib.sha256(repr(made_of).encode() + b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(revived.params)))
        net = Net(forward, params, *images)
        found.append(Target(run, net, revived.dataset.name, revived.dataset.source, identity.hexdigest()))
    return found


def twin(group: Sequence[Run], others: Iterable[Sequence[Run]]) -> Sequence[Run]:
    """The first of the other experiments that backprop trained on the same data, if another rule trained this one; else none."""
    if _by_backprop(group[0]):
        return ()
    data = _data(group[0])
    alike = (other for other in others if other[0].path != group[0].path and _data(other[0]) == data)
    return next((other for other in alike if "test_loss" not in other[0].summary and _by_backprop(other[0])), ())


def sources(target: Target, seeds: Sequence[Target], others: Sequence[Sequence[Target]]) -> list[Target]:
    """Those that attacks on this one by transfer follow: the next seed of its experiment, and of each other one the same seed or the first.

    Raises UserError where one of these was trained on other data.
    """
    place = [one.run.seed for one in seeds].index(target.run.seed)
    next_seed = [seeds[(place + 1) % len(seeds)]] if len(seeds) > 1 else []
    found = [next((one for one in other if one.run.seed == target.run.seed), other[0]) for other in others]
    for one in found:
        if _data(one.run) != _data(target.run):
            raise UserError(f"{one.run.name}: cannot be followed by an attack on {target.run.name}, which has other data")
    return next_seed + found


def deployed(model: Model) -> Apply:
    """The forward pass with every derivative JAX's own, whatever the rule trained with."""

    def forward(params: Params, x: Num[jax.Array, "batch *shape"]) -> Float[jax.Array, "batch classes"]:
        return model.apply(params, x, exact)[0]

    return forward


def _as_one(model: Model, heads: int) -> Model:
    """Several heads as one classifier of all their answers together: an example survives an attack when every head is right."""

    def apply(params: Params, x: Num[jax.Array, "batch *shape"], ops: Ops = exact, start: int = 0) -> Forward:
        logits, layers = model.apply(params, x, ops, start)
        return together(logits, heads), layers

    return model if heads == 1 else Model(model.init, apply)


def _answers(dataset: Dataset, heads: int) -> np.ndarray:
    """The labels or, of several heads, the numbers of their combinations."""
    return dataset.y_test if heads == 1 else answer(dataset.y_test, dataset.n_classes // heads)


def _as_trained(model: Model, rule: Rule) -> Apply:
    """The same forward pass with the backward pass of the rule: no gradient of what is deployed."""

    def forward(params: Params, x: Num[jax.Array, "batch *shape"]) -> Float[jax.Array, "batch classes"]:
        assert rule.ops is not None
        return model.apply(params["weights"], x, rule.ops(params["weights"], params["state"]))[0]

    return forward


def _trained_with(revived: Revived, run: Run) -> tuple[Rule, State]:
    """The rule of the last stage, and the state it began with for this seed: its feedback weights, say."""
    experiment, dataset = revived.experiment, revived.dataset
    train = build.split(experiment, dataset).train
    stage = build.stages_of(experiment, dataset, train)[-1]
    name = experiment.stages[-1].rule.name
    if stage.rule.ops is None or min(stage.train) > 0:
        raise UserError(
            f"{run.name}: {name} has no fixed backward pass of its own through the whole net; attack it without --gradient training"
        )
    group = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], revived.params)
    data = Batch(jnp.asarray(train.x), jnp.asarray(train.y))
    state, _ = begin(stage, group, data, np.asarray([run.seed], np.uint32), len(experiment.stages) - 1)
    return stage.rule, jax.tree.map(lambda leaf: leaf[0], state.rule)


def _by_backprop(run: Run) -> bool:
    stages: Sequence[Mapping[str, Mapping[str, str]]] = run.config.get("stages", ())
    return bool(stages) and all(stage["rule"]["name"] == "backprop" for stage in stages)


def _data(run: Run) -> tuple[str, int]:
    dataset = run.provenance.get("dataset", {})
    return dataset.get("digest", ""), run.summary.get("n_test", 0)
