"""Many devices: what eight of them give is what one gives, and a group that does not divide evenly
is padded and cut.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

SCRIPT = """
import json, sys
from functools import partial
import jax, numpy as np, optax
from bioexp.attacks import ATTACKS
from bioexp.robustness.evaluate import Net, evaluate
from bioexp.models import mlp
from bioexp.objectives import cross_entropy
from bioexp.models.stack import above
from bioexp.rules import backprop
from bioexp.devices import devices_for
from bioexp.training import Checkpoint, fit
from bioexp.types import Examples, Stage

model = mlp((6,), 3, hidden=(4,))
rng = np.random.default_rng(0)
y = np.arange(240, dtype=np.int32) % 3
data = Examples((rng.random((240, 6)) * 0.5 + y[:, None] * 0.2).astype(np.float32), y)
rule = backprop(model, cross_entropy())
first = Stage(model, rule, optax.adam(0.01), lambda p: p, (0, 1), 8, 20, 20)
head = first._replace(train=(1,), rule=backprop(above(model, 1), cross_entropy()), steps=20)
stages, arrays = [first, head], {}
for seeds in (3, 9):
    records = fit(stages, data, range(seeds), marks=[1])
    records = [record._replace(state=jax.device_get(record.state)) for record in records]
    for number in (0, 1, len(records) - 1):
        leaves = enumerate(jax.tree.leaves(records[number].params))
        arrays |= {f"{seeds}/{number}/{i}": leaf for i, leaf in leaves}
    arrays |= {f"{seeds}/accuracy": records[2].metrics["accuracy"]}
checkpoint = Checkpoint(0, 1, jax.tree.leaves(records[1].state))
again = fit(stages, data, range(seeds), marks=[1], resume=checkpoint)
again = [jax.device_get(record.state) for record in again]
jax.tree.map(np.testing.assert_array_equal, again[-1], records[-1].state)
params = jax.tree.map(lambda leaf: leaf[0], records[-1].params)
net = Net(lambda p, x: model.apply(p, x)[0], params, data.x[:101], data.y[:101])
for name, options in (("fgsm", {}), ("pgd", {"steps": 3, "restarts": 2})):
    outcome = evaluate(net, ATTACKS[name](**options), (0.05, 0.1, 0.2), jax.random.key(0), block=64)
    arrays |= {f"attack/{name}/correct": outcome.correct, f"attack/{name}/x_adv": outcome.x_adv}
np.savez(sys.argv[1], **arrays)
used = {n: devices_for(n).size for n in (1, 3, 8, 9, 17)}
print(json.dumps({"devices": jax.local_device_count(), "used": used}))
"""


@pytest.fixture(scope="module")
def on_devices(tmp_path_factory):
    """What the script above computes on one device and on eight virtual ones."""

    def run(count):
        file = tmp_path_factory.mktemp("spread") / f"{count}.npz"
        flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={count}"
        environment = {**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(file)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), dict(np.load(file))

    return {count: run(count) for count in (1, 8)}


def test_seeds_lie_on_no_more_devices_than_shorten_the_time(on_devices):
    assert on_devices[1][0] == {"devices": 1, "used": {"1": 1, "3": 1, "8": 1, "9": 1, "17": 1}}
    assert on_devices[8][0] == {"devices": 8, "used": {"1": 1, "3": 3, "8": 8, "9": 5, "17": 6}}


@pytest.mark.parametrize("seeds", [3, 9])
def test_eight_devices_start_from_the_same_weights_take_the_same_step_and_learn_alike(
    on_devices, seeds
):
    """Same initial weights; the first update, of minibatches in the same order, to 1e-6; afterwards
    rounding differs.

    The script itself continues nine seeds from a checkpoint, to the same bits.
    """
    (_, one), (_, eight) = on_devices[1], on_devices[8]
    leaves = {name for name in one if name.startswith(f"{seeds}/")}
    assert leaves == {name for name in eight if name.startswith(f"{seeds}/")}
    for name in leaves:
        assert len(eight[name]) == seeds
        tolerance = {"0": 0, "1": 1e-6}.get(name.split("/")[1], 1e-3)
        np.testing.assert_allclose(eight[name], one[name], atol=tolerance, rtol=0, err_msg=name)


@pytest.mark.parametrize("attack", ["fgsm", "pgd"])
def test_an_attack_on_eight_devices_breaks_the_same_images(on_devices, attack):
    """101 images: no device gets as many as the others."""
    (_, one), (_, eight) = on_devices[1], on_devices[8]
    assert 0 < one[f"attack/{attack}/correct"].mean() < 1
    for part in ("correct", "x_adv"):
        np.testing.assert_array_equal(
            one[f"attack/{attack}/{part}"], eight[f"attack/{attack}/{part}"]
        )
