"""What holds for every rule, model, config and module there is."""

import ast
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import CONFIGS, ROOT

from bioexp.config.lookup import datasets, models, rules
from bioexp.config.reading import load
from bioexp.objectives import cross_entropy
from bioexp.ops import exact
from bioexp.options import describe, schema
from bioexp.papers import PAPERS
from bioexp.types import Batch, Rows

SHAPE, CLASSES = (3, 4), 3
COMPETING = ("competing_hidden_units", {"hidden": 8})
# The model each rule is made for, where the plain one will not do.
MODEL_OF = {
    "class_mean": ("class_mean", {}),
    "own_images": ("log_net", {}),
    "competing_dynamics": COMPETING,
    "competing_ranks": COMPETING,
    "unlearned_filters": COMPETING,
    "stdp": ("stdp_net", {}),
}
OUTPUTS_OF = {"autoencoder": prod(SHAPE)}  # where they are no classes


def batch(n=12):
    rng = np.random.default_rng(0)
    return Batch(
        jnp.asarray(rng.random((n, *SHAPE)), jnp.float32), jnp.arange(n, dtype=jnp.int32) % CLASSES
    )


@pytest.mark.parametrize("name", models())
def test_a_model_returns_logits_and_one_record_for_each_layer(name):
    model = models()[name](SHAPE, CLASSES)
    params = model.init(jax.random.key(0))
    logits, layers = model.apply(params, batch().x)
    assert logits.shape == (12, OUTPUTS_OF.get(name, CLASSES))
    assert jnp.isfinite(logits).all()
    assert len(layers) == len(params["layers"])
    assert layers[0].x.shape == (12, prod(SHAPE))
    np.testing.assert_array_equal(layers[-1].z, logits)


@pytest.mark.parametrize("name", models())
def test_a_model_can_be_entered_at_every_layer(name):
    model = models()[name](SHAPE, CLASSES)
    params = model.init(jax.random.key(0))
    logits, layers = model.apply(params, batch().x)
    for start, layer in enumerate(layers):
        upper = {"layers": {k: v for k, v in params["layers"].items() if int(k) >= start}}
        np.testing.assert_allclose(model.apply(upper, layer.x, exact, start)[0], logits, rtol=1e-5)


def begun(name):
    """The rule on a model it fits, with what it starts from."""
    model, options = MODEL_OF.get(name, ("mlp", {}))
    model = models()[model](SHAPE, CLASSES, **options)
    rule, params = rules()[name](model, cross_entropy()), model.init(jax.random.key(0))
    return rule, params, rule.init(jax.random.key(1), params, batch(), 12)


@pytest.mark.parametrize("name", rules())
def test_a_rule_gives_a_finite_direction_shaped_like_the_weights(name):
    rule, params, state = begun(name)
    learned = rule.update(params, state, batch(), jax.random.key(2))
    for layer, direction in learned.direction["layers"].items():
        at = {path: leaf for path, leaf in direction.items() if isinstance(leaf, Rows)}
        assert all(leaf.units.shape == leaf.values.shape[:1] for leaf in at.values())
        rows = {
            path: jnp.zeros_like(params["layers"][layer][path]).at[leaf.units].set(leaf.values)
            for path, leaf in at.items()
        }
        shapes = jax.tree.map(jnp.shape, direction | rows)
        assert shapes == jax.tree.map(jnp.shape, params["layers"][layer])
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(learned.direction))
    assert jax.tree.structure(learned.state) == jax.tree.structure(state)
    assert all(jnp.shape(value) == () for value in learned.metrics.values())


@pytest.mark.parametrize("name", rules())
def test_a_rule_takes_back_the_state_that_it_observed(name):
    rule, params, state = begun(name)
    metrics, again = rule.observe(params, state)
    assert jax.tree.map(jnp.shape, again) == jax.tree.map(jnp.shape, state)
    assert all(jnp.shape(value) == () and jnp.isfinite(value) for value in metrics.values())


@pytest.mark.parametrize("name", rules())
def test_a_small_step_down_the_direction_lowers_the_rules_own_loss(name):
    rule, params, state = begun(name)
    learned = rule.update(params, state, batch(), jax.random.key(2))
    if "loss" not in learned.metrics:
        pytest.skip("the rule descends no loss")
    moved = {
        "layers": {
            k: jax.tree.map(
                lambda w, d: w - 1e-3 * d,
                v,
                learned.direction["layers"].get(k, jax.tree.map(jnp.zeros_like, v)),
            )
            for k, v in params["layers"].items()
        }
    }
    after = rule.update(moved, state, batch(), jax.random.key(2))
    assert after.metrics["loss"] < learned.metrics["loss"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_loads_and_says_what_it_reproduces_how_long_it_takes_and_what_to_expect(path):
    experiments = load(path)
    assert all(experiment.name == path.stem for experiment in experiments)
    header = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert len(header) >= 2
    assert "Expect" in " ".join(header)
    assert "About" in " ".join(header)


@pytest.mark.parametrize("paper", PAPERS.values(), ids=lambda paper: paper.name)
def test_a_papers_configs_exist_and_its_claims_name_them(paper):
    names = {path.stem for path in CONFIGS}
    assert set(paper.configs) <= names
    assert all(set(claim.configs) <= set(paper.configs) for claim in paper.claims)
    assert "Deviations" in __import__(f"bioexp.papers.{paper.name}", fromlist=["x"]).__doc__


@pytest.mark.parametrize("table", [models, rules, datasets])
def test_options_are_documented_and_their_names_are_those_of_the_table(table):
    for name, builder in table().items():
        assert builder.__name__ == name
        for option in describe(builder):
            assert f"{option['option']}" in builder.__doc__, (
                f"{name} does not explain {option['option']}"
            )


def test_defaults_are_within_their_own_ranges():
    for table in (models(), rules()):
        for builder in table.values():
            required = [
                name for name, field in schema(builder).model_fields.items() if field.is_required()
            ]
            if not required:
                schema(builder)()


# Lower layers first; a module may import from its own layer and from those below.
ORDER = [
    ["types", "tree", "spread"],
    ["files", "heads", "lock", "ops", "options", "console"],
    ["device", "training"],
    ["models", "objectives", "optimizers", "rules", "attacks", "measures", "figures", "datasets"],
    ["papers"],
    ["lookup", "strict_yaml"],
    ["changes"],
    ["config"],
    ["build", "provenance"],
    ["run"],
    ["commands"],
    ["cli"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "bioexp").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_imports_point_one_way(path):
    parts = path.relative_to(ROOT / "bioexp").with_suffix("").parts
    if parts == ("__init__",):
        pytest.skip("the package itself names its three functions")
    tree = ast.parse(path.read_text())
    typing_only = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith("bioexp")
            and node not in typing_only
        ):
            names = (
                [node.module.split(".")[1]]
                if node.module != "bioexp"
                else [alias.name for alias in node.names if alias.name in RANK]
            )
            assert all(RANK[name] <= RANK[parts[0]] for name in names), (
                f"{path}:{node.lineno} imports upward"
            )
