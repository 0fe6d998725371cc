"""`bioexp attack` from Python: the files it leaves, what it takes up again, what it refuses, and
who is whose source.
"""

import csv
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from honest import LADDER, apply, forward, honest_net
from made import made, stage

from bioexp.attacks import ATTACKS
from bioexp.experiment import Run
from bioexp.ops import exact
from bioexp.robustness.evaluate import Net, evaluate
from bioexp.runs import attack as command
from bioexp.runs import nets
from bioexp.runs.twins import Kind, kind_of_run, twin_of
from bioexp.types import Attack, Dataset, Model, UserError

# With fewer steps: here it is asked whether attacks are made, not how strong they are.
SHORT = {
    "apgd": {"steps": 5},
    "apgd_dlr": {"steps": 5},
    "pgd_margin": {"steps": 3, "restarts": 1},
    "pgd_l2": {"steps": 3, "restarts": 1},
    "deepfool": {"steps": 5},
}


@pytest.fixture(scope="module")
def net() -> Net:
    return honest_net()


@pytest.fixture
def runs(net, tmp_path, monkeypatch) -> list[Run]:
    """Two seeds of one experiment, whose weights differ a little."""
    data = Dataset("blobs", "made up", net.images, net.labels, net.images, net.labels, 4, "0")
    seeds = {
        seed: made(
            name="blob_net",
            network=Model(lambda key: net.params, forward),
            params=jax.tree.map(lambda w, seed=seed: w * (1 + seed / 10), net.params),
            dataset=data,
            seed=seed,
            path=tmp_path,
        )
        for seed in (0, 1)
    }

    def builder(attack):
        def build() -> Attack:
            return attack

        return build

    monkeypatch.setattr(
        command, "trained", lambda runs, **options: (seeds[run.seed] for run in runs)
    )
    monkeypatch.setattr(nets, "code_digest", lambda experiment: "")
    monkeypatch.setattr(nets, "deployed", lambda model: apply)  # compiled already
    few = {name: ATTACKS[name](**options) for name, options in SHORT.items()}
    known = ATTACKS | {name: builder(attack) for name, attack in (few | LADDER).items()}
    monkeypatch.setattr(command, "ATTACKS", known)
    return [trained.run for trained in seeds.values()]


def test_the_command_leaves_tables_pictures_and_per_image_files(runs):
    heard: list[tuple[str, str, float]] = []
    (found,) = command.attack(
        runs, attacks=["fgsm", "pgd"], eps=[0.1], n=60, progress=lambda *news: heard.append(news)
    )
    assert found.seeds == (0, 1)
    assert found.gradient_source == "true"
    assert [row.attack for row in found.rows] == [
        "clean",
        "noise",
        "fgsm",
        "pgd",
        "worst case",
    ]
    assert found.rows[-1].accuracy <= min(row.accuracy for row in found.rows[:-1])
    assert heard[-1] == ("blob_net/0-s1", "pgd", 1.0)
    for run in runs:
        with np.load(run.path / "attacks" / "pgd.npz", allow_pickle=False) as file:
            assert file["correct"].shape == (1, 60)
            assert file["x_adv"].shape == (1, 60, 8, 8)
            assert (file["x_adv"].dtype, file["eps"].tolist()) == (np.uint8, [0.1])
            share = file["correct"].mean()
        rows = list(csv.DictReader((run.path / "robustness.csv").open()))
        assert float(
            next(row["accuracy"] for row in rows if row["attack"] == "pgd")
        ) == pytest.approx(share, abs=1e-6)
        assert "gradient_source: true" in (run.path / "robustness.md").read_text()
        for picture in ("robustness.png", "figures/adversarial.png"):
            assert (run.path / picture).read_bytes().startswith(b"\x89PNG")
        assert not list(run.path.rglob(".*"))  # no temporary file is left behind


def test_the_forward_pass_under_attack_is_the_exact_one(net):
    heard = []
    model = Model(
        lambda key: net.params, lambda params, x, ops: (heard.append(ops), forward(params, x))[1]
    )
    x = jnp.asarray(net.images[:2] / np.float32(255))
    np.testing.assert_array_equal(nets.deployed(model)(net.params, x), apply(net.params, x))
    assert heard == [exact]


def test_an_attack_gives_the_same_answer_whatever_else_is_asked_for(runs):
    alone = command.attack(runs[:1], attacks=["pgd"], eps=[0.5, 1.0], n=60)[0].rows
    shutil.rmtree(runs[0].path / "attacks")
    together = command.attack(runs[:1], attacks=["fgsm", "pgd"], eps=[0.5, 1.0], n=60)[0].rows
    assert [row for row in together if row.attack == "pgd"] == [
        row for row in alone if row.attack == "pgd"
    ]


def test_an_interrupted_attack_continues_and_nothing_stale_is_kept(runs, monkeypatch):
    made = []
    monkeypatch.setattr(
        command,
        "evaluate",
        lambda net, attack, eps, key, **options: (
            made.append(attack) or evaluate(net, attack, eps, key)
        ),
    )
    monkeypatch.setattr(command, "digest_of", lambda *functions: "today")

    def stopped(table):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "checked", stopped)
        with pytest.raises(KeyboardInterrupt):
            command.attack(runs[:1], attacks=["fgsm"], eps=[0.5, 1.0], n=30)
    made.clear()
    (first,) = command.attack(runs[:1], attacks=["fgsm"], eps=[0.5, 1.0], n=30)
    assert LADDER["noise"] not in made
    assert LADDER["fgsm"] not in made
    (whole,) = command.attack(runs[:1], attacks=["fgsm"], eps=[0.5, 1.0], n=30)
    assert first == whole
    file = runs[0].path / "attacks" / "fgsm.npz"
    for change in ({"eps": [0.5]}, {"n": 31}):
        made.clear()
        command.attack(runs[:1], **{"attacks": ["fgsm"], "eps": [0.5, 1.0], "n": 30, **change})
        assert LADDER["fgsm"] in made
    file.write_bytes(file.read_bytes()[:100])
    made.clear()
    command.attack(runs[:1], attacks=["fgsm"], eps=[0.5, 1.0], n=31)
    assert LADDER["fgsm"] in made
    assert LADDER["noise"] not in made
    monkeypatch.setattr(command, "digest_of", lambda *functions: "tomorrow")
    made.clear()
    command.attack(runs[:1], attacks=["fgsm"], eps=[0.5, 1.0], n=31)
    assert {LADDER["noise"], LADDER["fgsm"]} <= set(made)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attacks": ["fsgm"]}, "unknown attack 'fsgm'; did you mean fgsm"),
        ({"eps": [-0.1]}, "must be between 0 and 1"),
        ({"eps": []}, "at least one"),
        ({"n": 0}, "--n: must be at least 1"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_refused_before_anything_is_written(
    runs, options, message
):
    with pytest.raises(UserError, match=message):
        command.attack(runs, **options)
    assert not Path(runs[0].path).exists()


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"name": "square", "querys": 9}, "square: querys unknown option; did you mean queries"),
        ({"name": "square", "queries": 0}, "square: queries must be at least 1, got 0"),
    ],
)
def test_an_option_that_an_attack_does_not_take_is_refused(node, message):
    with pytest.raises(UserError, match=message):
        command.attacks_named([node])


def test_all_runs_the_whole_ladder_and_seeds_are_each_other_s_sources(runs):
    (found,) = command.attack(runs, attacks=["all"], eps=[0.1], n=30)
    assert {row.attack for row in found.rows} == {
        "clean",
        "worst case",
        *(set(ATTACKS) - {"pgd_l2", "deepfool"}),
    }
    assert {row.attack for row in found.l2} == {"pgd_l2"}
    assert 0 < found.median_l2.low <= found.median_l2.value <= found.median_l2.high
    for run in runs:
        rows = list(csv.DictReader((run.path / "robustness.csv").open()))
        (distance,) = [float(row["median_l2"]) for row in rows if row["median_l2"]]
        with np.load(run.path / "attacks_l2" / "deepfool.npz", allow_pickle=False) as file:
            assert np.median(
                np.where(file["correct"][0], np.inf, file["moved"][0])
            ) == pytest.approx(distance, rel=1e-5)
        assert "median L2" in (run.path / "robustness.md").read_text()


def test_transfer_is_left_out_without_a_source_and_refused_when_asked_for(runs):
    (found,) = command.attack(runs[:1], eps=[0.1], n=20)
    assert "transfer" not in {row.attack for row in found.rows}
    with pytest.raises(UserError, match="transfer: needs another net"):
        command.attack(runs[:1], attacks=["transfer"], eps=[0.1], n=20)


def test_an_attack_s_options_are_part_of_what_it_left(runs, monkeypatch):
    monkeypatch.setattr(command, "ATTACKS", {**command.ATTACKS, "square": ATTACKS["square"]})
    made = []
    monkeypatch.setattr(
        command, "evaluate", lambda *given, **options: made.append(1) or evaluate(*given, **options)
    )
    for queries, count in ((5, 1), (5, 0), (6, 1)):
        command.attack(runs[:1], attacks=["noise"], eps=[0.5, 1.0], n=20)
        made.clear()
        command.attack(
            runs[:1], attacks=[{"name": "square", "queries": queries}], eps=[0.5, 1.0], n=20
        )
        assert sum(made) - 1 == count  # one is the probe of the checks


def test_the_twin_is_a_run_of_backprop_alone_on_the_same_data():
    def kind(data, *rules):
        return Kind(rules, data)

    own, twin = kind("a", "oja", "backprop"), kind("a", "backprop", "backprop")
    others = [(own, "itself"), (kind("b", "backprop"), "other data"), (twin, "twin")]
    assert twin_of(own, others) == "twin"
    assert twin_of(own, others[:2]) is None
    assert twin_of(twin, others) is None


def test_runs_that_differ_in_their_test_images_or_their_score_are_no_twins(tmp_path):
    net = made(stages=(stage({"name": "oja"}),), path=tmp_path)
    assert kind_of_run(net.run) == Kind(("oja",), ("0", 10, True))
    assert not kind_of_run(net.run).by_backprop
    assert kind_of_run(made(path=tmp_path).run).by_backprop
