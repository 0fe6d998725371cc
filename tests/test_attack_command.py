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
from PIL import Image

from bioexp.attacks import ATTACKS
from bioexp.attacks.eps import DEFAULT_EPS, L2_EPS, labels, listed, show_eps
from bioexp.console import Terminal
from bioexp.experiment import Run
from bioexp.figures.robustness_curve import robustness_curve
from bioexp.measures.interval import Interval
from bioexp.ops import exact
from bioexp.robustness.evaluate import Net, evaluate
from bioexp.runs import asked, nets
from bioexp.runs import attack as command
from bioexp.runs.tasks import Asked
from bioexp.runs.twins import Kind, kind_of_run, twin_of
from bioexp.runs.workspace import silent
from bioexp.show import show_robustness
from bioexp.types import Attack, Dataset, Model, UserError
from bioexp.vouched import vouch

# With fewer steps: here it is asked whether attacks are made, not how strong they are.
SHORT = {
    "apgd": {"steps": 5},
    "apgd_dlr": {"steps": 5},
    "pgd_margin": {"steps": 3, "restarts": 1},
    "pgd_l2": {"steps": 3, "restarts": 1},
    "deepfool": {"steps": 5},
}


MANY = tuple(i / 100 for i in range(101))


def curve_of(eps):
    kept = [Interval(0.5, 0.4, 0.6, "made up")] * len(eps)
    clean = Interval(0.9, 0.8, 1.0, "made up")
    about = {"norm": "linf", "title": "a net", "caption": "made up"}
    return robustness_curve(list(eps), {"pgd": kept}, clean=clean, chance=0.1, **about)


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
    for module in (asked, command):
        monkeypatch.setattr(module, "ATTACKS", known)
    for trained in seeds.values():
        vouch(trained.run.path / "FINISHED", [])
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
        ({"attacks": []}, "attacks: needs at least one"),
        ({"attacks": 3}, "attacks: expected names such as fgsm, or .*, got 3"),
        ({"attacks": ["fgsm", None]}, "attacks: expected names .*, got None"),
        ({"attacks": {"queries": 9}}, "attacks: expected names .*, got {'queries': 9}"),
        ({"attacks": "transfer"}, "transfer: needs another net"),
        ({"eps": [-0.1]}, "must be between 0 and 1"),
        ({"eps": []}, "at least one"),
        ({"attacks": "pgd_l2", "eps": -1}, "--eps: Euclidean lengths must be between 0 and 1e"),
        ({"eps_l2": "1,x"}, '--eps-l2: expected numbers or fractions such as 4/255,0.1, got "x"'),
        *(({"n": n}, f"--n: must be at least 1.*{n}") for n in (0, -1, True, 2.5, "9")),
        ({"gradient": True}, "gradient: must be true or training, got True"),
        ({"pictures": "none"}, "pictures: must be all or first, got 'none'"),
        ({"follow": 3}, "follow: expected runs, .*, got 3"),
        ({"among": "no/such"}, "no/such: no such run"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_refused_before_anything_is_written(
    runs, options, message
):
    with pytest.raises(UserError, match=message):
        command.attack(runs[:1], **options)
    assert [path.name for path in Path(runs[0].path).iterdir()] == ["FINISHED"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([], "no runs to attack"),
        (3, "runs: expected runs, as `fit` gives them, or their paths, got 3"),
        ([None], "runs: expected .*, got None"),
        ("no/such", "no/such: no such run"),
        ([Path("no")], "no: no such run"),
    ],
)
def test_what_is_no_run_is_refused(wanted, message):
    with pytest.raises(UserError, match=message):
        command.attack(wanted)


def test_one_of_anything_stands_without_a_list_around_it_and_a_path_for_its_run(
    runs, tmp_path, monkeypatch
):
    (first,) = command.attack(runs[:1], attacks=["fgsm"], eps=[0.1], n=20)
    by_path = {run.path: run for run in runs}
    monkeypatch.setattr(asked, "open_run", by_path.__getitem__)
    one = runs[0]
    for wanted in (one, one.path, str(one.path), (one, one), iter([str(one.path)])):
        found = command.attack(
            wanted, attacks="fgsm", eps=0.1, n=np.int64(20), follow=(), among=one
        )
        assert found == [first]
    for attacks in ({"name": "fgsm"}, ("fgsm", "fgsm"), "fgsm, fgsm"):
        assert command.attack(one, attacks=attacks, eps="0.1", n=20) == [first]


def test_lengths_asked_for_are_those_of_the_rows_and_what_is_not_used_is_said(runs):
    heard: list[str] = []
    wish = {"n": 20, "say": heard.append}
    (found,) = command.attack(runs[0], attacks="pgd_l2", eps=[1.5, 0.5], **wish)
    assert [(row.attack, row.eps) for row in found.l2] == [("pgd_l2", 1.5), ("pgd_l2", 0.5)]
    assert {row.eps for row in found.rows if row.attack == "noise"} == set(DEFAULT_EPS)
    assert "read as Euclidean lengths" in heard.pop()
    (found,) = command.attack(runs[0], attacks="fgsm,pgd_l2", eps=0.1, eps_l2=(2, 4), **wish)
    assert [row.eps for row in found.l2] == [2, 4]
    assert {row.eps for row in found.rows} == {None, 0.1}
    assert not heard
    with pytest.warns(UserWarning, match="the usual lengths are used"):
        (found,) = command.attack(runs[0], attacks="fgsm,pgd_l2", eps=0.1, n=20)
    assert tuple(row.eps for row in found.l2) == L2_EPS


def test_a_hundred_eps_leave_pictures_and_tables_that_can_be_read(runs, capsys):
    (found,) = command.attack(runs[0], attacks="fgsm", eps=MANY, n=20)
    sizes = {
        name: Image.open(runs[0].path / name).size
        for name in ("robustness.png", "figures/adversarial.png")
    }
    (few,) = command.attack(runs[0], attacks="fgsm", eps=MANY[:31:15], n=20)
    for name, size in sizes.items():
        assert size == Image.open(runs[0].path / name).size
    labelled = {"label": "blob_net"}
    show_robustness(Terminal(), found.model_copy(update=labelled))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["eps", "noise", "fgsm", "worst", "case"]
    assert [line.split()[0] for line in lines[2 : len(MANY) + 3]] == ["clean", *map(show_eps, MANY)]
    assert max(map(len, lines[1 : len(MANY) + 3])) < 80
    assert "0.01, 0.02, …, 1 (100 of them)" in listed(MANY[1:])
    show_robustness(Terminal(), few.model_copy(update=labelled))
    assert capsys.readouterr().out.splitlines()[1].split() == [
        "attack",
        "clean",
        "0",
        "0.15",
        "0.3",
    ]


@pytest.mark.parametrize(
    "eps",
    [MANY, np.geomspace(1e-3, 1, 101), np.arange(1, 102) / 255, np.linspace(0.1, 0.1001, 101)],
)
def test_labels_below_a_curve_are_few_and_apart_and_the_last_eps_has_one(eps):
    figure = curve_of(eps)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    ticks, height = axes.get_xticks(), axes.get_xticklabels()[0].get_fontsize() / 72 * figure.dpi
    places = axes.transData.transform([(tick, 0) for tick in ticks])[:, 0]
    assert 5 < len(ticks) < 30
    assert np.diff(places).min() > 1.4 * height  # they are turned by 45 degrees
    assert (ticks[0], ticks[-1]) == (eps[0], eps[-1])
    assert axes.get_position().height > 0.5


def test_eps_that_look_alike_are_told_apart():
    assert labels([0.1, 0.10001, 8 / 255]) == {0.1: "0.1", 0.10001: "0.10001", 8 / 255: "8/255"}
    (below,) = curve_of([0.1, 0.10001]).axes
    assert [label.get_text() for label in below.get_xticklabels()] == ["0.1", "0.10001"]


def test_a_run_is_answered_where_each_attack_was_made_at_its_own_radii(runs):
    run, wish = runs[0], {"n": 20, "say": silent}
    command.attack(run, attacks="fgsm,pgd_l2", eps=(0.1, 0.5), eps_l2=(0.5, 1.5), **wish)

    def answered(attacks: str, eps=None, eps_l2=None) -> bool:
        return Asked(attacks, eps, 20, eps_l2=eps_l2).answered(run.path, 20)

    assert answered("fgsm,pgd_l2", (0.1,), (1.5,))
    assert answered("fgsm,pgd_l2", "0.5,0.1", "1.5")
    assert answered("fgsm", (0.1,))
    assert not answered("fgsm,pgd_l2", (0.1,), (2.0,))
    assert not answered("fgsm,pgd_l2", (0.1,))
    assert not answered("pgd_l2", (0.1,))
    assert not answered("fgsm", (0.2,))
    assert not answered("fgsm,deepfool", (0.1,))
    command.attack(run, attacks="fgsm,deepfool", eps=0.1, **wish)
    assert answered("fgsm,deepfool", (0.1,))


def test_what_shows_that_a_net_breaks_stays_in_the_ball_of_the_other_attacks():
    own = {"name": "pgd", "norm": "l2"}
    assert asked.ladder_of(own).attacks["pgd"].attack.norm == "l2"
    assert asked.ladder_of(own).probe.norm == "linf"
    assert asked.ladder_of({"name": "pgd", "restarts": 3}).probe.restarts == 3


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"name": "square", "querys": 9}, "square: querys unknown option; did you mean queries"),
        ({"name": "square", "queries": 0}, "square: queries must be at least 1, got 0"),
    ],
)
def test_an_option_that_an_attack_does_not_take_is_refused(node, message):
    with pytest.raises(UserError, match=message):
        asked.ladder_of(node)


def test_all_runs_the_whole_ladder_and_seeds_are_each_other_s_sources(runs):
    (found,) = command.attack(runs, attacks=["all"], eps=[0.1], eps_l2=L2_EPS, n=30)
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
    monkeypatch.setattr(asked, "ATTACKS", {**asked.ATTACKS, "square": ATTACKS["square"]})
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
