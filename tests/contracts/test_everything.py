"""What holds for every rule, model, config and module there is."""

import ast
import re
import subprocess
import sys
from math import prod
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import CONFIGS, ROOT
from pydantic import ValidationError

from bioexp.config.lookup import (
    attacks,
    datasets,
    models,
    objectives,
    optimizers,
    projections,
    rules,
)
from bioexp.config.reading import load
from bioexp.objectives import cross_entropy
from bioexp.ops import exact
from bioexp.options import check, describe, schema
from bioexp.papers import papers
from bioexp.types import Batch, Count, Rows

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
    assert load(path)
    lines = path.read_text().splitlines()
    header = " ".join(line for line in lines[:12] if line.startswith("#"))
    assert re.search(r"About \d+ (s|seconds?|minutes?)\b.* on 2 cores", header)
    assert re.search(r"Expect .*\d", header)
    assert max(map(len, lines)) <= 100


def test_no_two_configs_name_the_same_experiment():
    """A name would stand for runs of either."""
    named = [{experiment.name for experiment in load(path)} for path in CONFIGS]
    assert sum(map(len, named)) == len(set().union(*named))


@pytest.mark.parametrize("paper", papers().whole.values(), ids=lambda paper: paper.name)
def test_a_papers_folder_cites_it_and_numbers_its_deviations(paper):
    head, found, deviations = paper.about.partition("\nDeviations, and what each costs\n")
    assert found
    assert f"{paper.year}" in head or f"{paper.year}" in paper.title
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", deviations, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


TABLES = [models, rules, datasets, attacks, objectives, optimizers, projections]
BUILDERS = [
    pytest.param(name, builder, id=f"{table.__name__}-{name}")
    for table in TABLES
    for name, builder in table().items()
]


@pytest.mark.parametrize(("name", "builder"), BUILDERS)
def test_options_are_explained_and_the_name_is_that_of_the_table(name, builder):
    """`hidden: number of units`, at the start of a line or of a clause."""
    assert builder.__name__ == name
    for option in describe(builder):
        word = re.escape(option["option"])
        clause = rf"(^\s*|[.;] |, )(\w+, )*{word}(, \w+)*: |`{word}`"
        assert re.search(clause, builder.__doc__, re.MULTILINE), f"{name}: {option['option']}"


@pytest.mark.parametrize(("name", "builder"), BUILDERS)
def test_defaults_are_within_their_own_ranges(name, builder):
    required = {key for key, field in schema(builder).model_fields.items() if field.is_required()}
    _, problems = check(schema(builder), {})
    assert {where for where, _ in problems} == {(key,) for key in required}
    assert {what for _, what in problems} <= {"is required"}


def test_a_default_out_of_its_range_is_an_error():
    """Without `validate_default` pydantic would take it, and the contract above could not fail."""

    def builder(*, size: Count = 0) -> None:
        """size: none."""

    with pytest.raises(ValidationError, match="greater_than_equal"):
        schema(builder).model_validate({})


def test_imports_point_one_way_inside_rooms_too():
    """Layers, circles and general rooms that know no paper: the contracts in pyproject.toml."""
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "3 kept, 0 broken" in done.stdout


PACKAGE = ROOT / "bioexp"


def modules():
    files = sorted(PACKAGE.rglob("*.py"))
    return [pytest.param(path, id=str(path.relative_to(PACKAGE))) for path in files]


READS_WORDS = {"__main__.py"}
IMPORTS_BY_STRING = {
    "runs/seed_group.py",  # matplotlib, warmed up beside the training
    "config/user_code.py",  # whatever the user's code imports
}


@pytest.mark.parametrize("path", modules())
def test_who_imports_by_a_string_and_who_reads_the_words_that_were_typed_is_known(path):
    """An import by a string is an arrow that no contract sees."""
    nodes, own = list(ast.walk(ast.parse(path.read_text("utf-8")))), str(path.relative_to(PACKAGE))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert own in READS_WORDS or "argv" not in attributes
    by_string = {"import_module", "__import__"} & (names | attributes)
    assert own in IMPORTS_BY_STRING or not by_string
