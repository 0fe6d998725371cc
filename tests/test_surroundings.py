"""What surrounds a run decides none of its numbers, and what may is recorded."""

import json
import shlex
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp import attack, fit, load
from bioexp.pinned import PINNED, environment, pin, pinned
from bioexp.runs import provenance

OTHERS = {  # each of them gave other weights, or a traceback
    "jax_enable_x64": True,
    "jax_default_prng_impl": "rbg",
    "jax_threefry_partitionable": False,
    "jax_default_matmul_precision": "bfloat16",
    "jax_numpy_dtype_promotion": "strict",
    "jax_numpy_rank_promotion": "raise",
    "jax_random_seed_offset": 7,
    "jax_disable_jit": True,
    "jax_debug_nans": True,
    "jax_transfer_guard_host_to_device": "disallow",
}


@pytest.fixture
def other_settings():
    """JAX as another program, or variables such as JAX_ENABLE_X64, may have set it."""
    before = {name: jax.config.values[name] for name in OTHERS}
    for name, value in OTHERS.items():
        jax.config.update(name, value)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def weights(write_config, folder) -> dict[str, np.ndarray]:
    """What a small run learns."""
    [run] = fit(load(write_config()), results=folder)
    return dict(np.load(run.path / "weights.npz"))


def are_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    """To the last bit, and of the same type."""
    assert found.keys() == expected.keys()
    return all(found[name].tobytes() == expected[name].tobytes() for name in expected)


def test_with_other_settings_of_jax_the_same_numbers_come_out(
    write_config, tmp_path, other_settings
):
    found = weights(write_config, tmp_path / "set")
    assert {name: jax.config.values[name] for name in OTHERS} == OTHERS
    pin()
    assert are_same(found, weights(write_config, tmp_path / "plain"))


def test_within_other_settings_of_jax_the_same_numbers_come_out(write_config, tmp_path):
    with jax.enable_x64(True), jax.default_prng_impl("rbg"), jax.numpy_dtype_promotion("strict"):
        found = weights(write_config, tmp_path / "within")
    assert are_same(found, weights(write_config, tmp_path / "plain"))


def test_an_attack_is_pinned_as_training_is(other_settings):
    within = pinned(lambda: (jnp.arange(3.0).dtype, jax.random.key_impl(jax.random.key(0))))
    assert within() == (jnp.float32, "threefry2x32")
    for function in (fit, attack):
        assert function.__wrapped__.__name__ == function.__name__


def test_what_is_pinned_is_what_jax_does_by_itself():
    guards = {name: None for name in PINNED if "transfer_guard" in name}  # no word is "allow"
    assert pin().items() <= guards.items()


def test_variables_that_jax_and_xla_read_are_recorded(bioexp, write_config, monkeypatch):
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("AWS_SECRET", "hidden")
    code, out, _ = bioexp("train", write_config(), "--json")
    [run] = json.loads(out)[0]["runs"]
    assert code == 0
    recorded = json.loads((provenance.Path(run) / "provenance.json").read_text())["environment"]
    assert recorded == environment()
    assert {"NVIDIA_TF32_OVERRIDE", "OMP_NUM_THREADS", "JAX_PLATFORMS", "XLA_FLAGS"} <= set(
        recorded
    )
    assert "AWS_SECRET" not in recorded


def test_the_recorded_command_can_be_typed_again(bioexp, write_config):
    words = [
        "train",
        str(write_config()),
        "--set",
        "stages.0.optimizer={name: sgd, learning_rate: 0.1}",
        "--json",
    ]
    _, out, _ = bioexp(*words)
    [run] = json.loads(out)[0]["runs"]
    command = json.loads((provenance.Path(run) / "provenance.json").read_text())["command"]
    assert shlex.split(command)[: len(words) + 1] == ["bioexp", *words]


def checkout(folder):
    """A git repository of one commit; returns its folder."""
    folder.mkdir()
    for words in ("init -q", "-c user.name=a -c user.email=a@b commit -q --allow-empty -m x"):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
    return folder


def test_the_recorded_commit_is_the_librarys_whatever_git_was_told(tmp_path, monkeypatch):
    provenance.git_state.cache_clear()
    plain = provenance.git_state()
    other = checkout(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    provenance.git_state.cache_clear()
    assert provenance.git_state() == plain


def test_a_library_that_lies_in_another_projects_checkout_has_no_commit(tmp_path, monkeypatch):
    package = checkout(tmp_path / "theirs") / "site-packages" / "bioexp"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(provenance, "ROOT", package)
    provenance.git_state.cache_clear()
    assert provenance.git_state().commit == ""
    provenance.git_state.cache_clear()
