"""The measured accuracy, its intervals, the flags that must fire and must keep quiet, and the
command's files.
"""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bioexp.attacks import ATTACKS, fgsm, noise, pgd, square
from bioexp.experiment import Run
from bioexp.measures.interval import accuracy, median, student, wilson
from bioexp.ops import exact
from bioexp.robustness import evaluate as robustness
from bioexp.robustness.checks import Evidence, Stored
from bioexp.robustness.evaluate import Net, Outcome, evaluate, logits, right, worst_case
from bioexp.robustness.flags import CHECKS, check, verdict
from bioexp.robustness.table import over_seeds, tabulate
from bioexp.runs import attack as command
from bioexp.runs import nets as attack_targets
from bioexp.types import Attack, Dataset, Model, UserError

EPS = (8 / 255, 0.1, 0.5, 1.0)
LADDER = {
    "noise": noise(draws=5),
    "fgsm": fgsm(),
    "pgd": pgd(steps=10, restarts=4),
    "square": square(queries=100),
}


def forward(params, x, ops=None, start=0):
    return jnp.maximum(x.reshape(len(x), -1) @ params["v"], 0) @ params["w"], ()


def apply(params, x):
    return forward(params, x)[0]


@pytest.fixture(scope="module")
def net() -> Net:
    """An honest net of 4 classes of 8 x 8 images, trained in a second, and 200 fresh images."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(4, dtype=np.int32), 100)
    prototypes = rng.uniform(0.3, 0.7, (4, 8, 8))
    images = np.round(
        255 * np.clip(prototypes[labels] + 0.2 * rng.standard_normal((400, 8, 8)), 0, 1)
    ).astype(np.uint8)
    params = {
        "v": rng.normal(0, 0.15, (64, 32)).astype(np.float32),
        "w": rng.normal(0, 0.2, (32, 4)).astype(np.float32),
    }
    optimizer = optax.adam(0.01)

    @jax.jit
    def train(params, x, y):
        def step(carry, _):
            params, state = carry
            gradient = jax.grad(
                lambda p: optax.softmax_cross_entropy_with_integer_labels(apply(p, x), y).mean()
            )(params)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, optimizer.init(params)), length=40)[0][0]

    return Net(
        apply,
        train(params, images[:200] / np.float32(255), labels[:200]),
        images[200:],
        labels[200:],
    )


def evidence_of(net: Net, names=("noise", "fgsm", "pgd"), eps=EPS) -> Evidence:
    outcomes = {name: evaluate(net, LADDER[name], eps, jax.random.key(0)) for name in names}
    stored = {
        name: Stored(outcome.eps, outcome.correct, outcome.x_adv)
        for name, outcome in outcomes.items()
    }
    return Evidence(net, outcomes, stored=stored)


@pytest.fixture(scope="module")
def honest(net) -> Evidence:
    return evidence_of(net, ("noise", "fgsm", "pgd", "square"))


def states(evidence: Evidence) -> dict[str, str]:
    return {flag.code: flag.state for flag in check(evidence)}


def made_up(net: Net, **correct: list[float]) -> Evidence:
    """Evidence with these accuracies at eps 0.1 and 0.2: the first images survive. Multi-step
    unless noise or fgsm.
    """
    n = len(net.labels)

    def outcome(name, shares):
        survives = np.arange(n) < np.array(shares)[:, None] * n
        attack = Attack(
            "linf", LADDER["fgsm"].perturb, multi_step=name.startswith("pgd"), restarts=1
        )
        x_adv = np.repeat(net.images[None], len(shares), 0)
        return Outcome(
            attack,
            (0.1, 0.2)[: len(shares)],
            survives.astype(np.int16),
            x_adv,
            np.zeros(len(shares), int),
            np.zeros(survives.shape, np.float32),
        )

    return Evidence(net, {name: outcome(name, shares) for name, shares in correct.items()})


# --- accuracy


def test_wilson_and_student_match_their_textbook_values():
    np.testing.assert_allclose(wilson(8, 10)[:3], [0.8, 0.490162, 0.943318], atol=1e-6)
    np.testing.assert_allclose(
        student([1.0, 2.0, 3.0])[:3], [2, 2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5], atol=1e-5
    )
    assert accuracy([0.5], 10).over == "binomial over images"
    assert accuracy([0.99, 1.0], 10).high == 1.0


@pytest.mark.parametrize(
    "bad", [lambda: wilson(1, 0), lambda: wilson(3, 2), lambda: student([0.5])]
)
def test_an_interval_over_nothing_is_refused(bad):
    with pytest.raises(ValueError, match=r"wilson|student"):
        bad()


def test_an_honest_net_falls_and_noise_hardly_hurts_it(honest):
    clean = honest.clean.mean()
    assert clean > 0.95
    assert honest.outcomes["noise"].correct[1].mean() > clean - 0.1
    assert worst_case(honest.outcomes)[2].mean() == 0


def test_the_worst_case_is_the_minimum_per_image_not_of_means(net):
    evidence = made_up(net, fgsm=[0.5], pgd=[0.5])
    flipped = replace(evidence.outcomes["pgd"], tries=1 - evidence.outcomes["pgd"].tries)
    assert worst_case({"fgsm": evidence.outcomes["fgsm"], "pgd": flipped}).mean() == 0


def test_stored_images_of_broken_points_fool_the_net(honest):
    outcome = honest.outcomes["pgd"]
    again = right(logits(replace(honest.net, images=outcome.x_adv[2])), honest.net.labels)
    assert (again == outcome.correct[2]).all()


def test_an_image_is_not_attacked_again_once_it_is_broken(net):
    few, more = (
        evaluate(net, LADDER["noise"]._replace(restarts=draws), EPS, jax.random.key(0))
        for draws in (2, 9)
    )
    broken = ~few.correct
    assert broken[:, few.tries[0] >= 0].any()
    assert (more.tries[broken] == few.tries[broken]).all()
    assert (more.x_adv[broken] == few.x_adv[broken]).all()
    assert more.correct.sum() < few.correct.sum()


def test_out_of_memory_halves_the_block_says_so_and_gives_the_same_answer(net, monkeypatch):
    expected, strike = (
        evaluate(net, LADDER["fgsm"], (0.1,), jax.random.key(0)).tries,
        robustness._strike,
    )

    def small(*arguments):
        if len(arguments[6]) > 32:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return strike(*arguments)

    monkeypatch.setattr(robustness, "_strike", small)
    with pytest.warns(RuntimeWarning, match="going on with 32 images at a time"):
        found = evaluate(net, LADDER["fgsm"], (0.1,), jax.random.key(0), block=64)
    assert (found.tries == expected).all()
    monkeypatch.setattr(robustness, "_strike", lambda *arguments: small(*arguments[:6], range(99)))
    with (
        pytest.raises(jax.errors.JaxRuntimeError, match="RESOURCE_EXHAUSTED"),
        pytest.warns(RuntimeWarning),
    ):
        evaluate(net, LADDER["fgsm"], (0.1,), jax.random.key(0), block=16)


# --- flags


def test_every_check_is_quiet_on_an_honest_net(honest):
    found = states(honest)
    assert {code: found[code] for code in CHECKS} == dict.fromkeys(CHECKS, "quiet")
    assert list(found) == [f"S{number}" for number in range(1, 15)]
    assert verdict(check(honest), 0.1) == "no flag"


def test_logits_scaled_by_ten_thousand_have_no_gradient_and_the_flag_gives_both_repetitions(net):
    steep = replace(net, apply=lambda params, x: apply(params, x) * 1e4)
    flags = {flag.code: flag for flag in check(evidence_of(steep, ("fgsm",), (8 / 255,)))}
    assert flags["S8"].state == "red"
    assert "in float64" in flags["S8"].sentence
    assert "0 with the margin loss" in flags["S8"].sentence
    assert "gradient wrong (S8" in verdict(flags.values(), 8 / 255)


def test_a_gradient_that_is_not_the_forward_pass_own_looks_like_noise(net):
    """The forward pass is untouched; the way back turns the sign of every other pixel, so that half
    of each step is undone.
    """

    @jax.custom_vjp
    def there(x):
        return x

    there.defvjp(lambda x: (x, None), lambda _, error: (error * (-1.0) ** jnp.arange(64),))
    masked = replace(net, apply=lambda params, x: apply(params, there(x.reshape(len(x), -1))))
    assert states(evidence_of(masked, ("noise", "fgsm"), (0.1, 0.2, 0.3)))["S9"] == "red"


def test_probabilities_in_place_of_logits_are_noticed(net):
    soft = replace(net, apply=lambda params, x: jax.nn.softmax(apply(params, x)))
    assert states(Evidence(soft, {}))["S11"] == "red"


def test_nan_gradients_are_reported_and_never_count_as_success(net):
    """sqrt has an infinite slope at 0: the logits are fine and their gradient is NaN, the classic 0
    x infinity.
    """
    broken = replace(
        net,
        apply=lambda params, x: (
            apply(params, x) + 0 * jnp.sqrt(0 * x.reshape(len(x), -1).sum(1, keepdims=True))
        ),
    )
    evidence = evidence_of(broken, ("fgsm",), (1.0,))
    flag = {flag.code: flag for flag in check(evidence)}["S8"]
    assert flag.state == "red"
    assert "NaN or infinity" in flag.sentence
    assert (evidence.outcomes["fgsm"].correct[0] == evidence.clean).all()
    assert evidence.outcomes["fgsm"].nonfinite[0] == evidence.clean.sum()


@pytest.mark.parametrize(
    ("code", "fires", "quiet"),
    [
        ("S1", {"fgsm": [0.5, 0.2], "pgd": [0.4, 0.3]}, {"fgsm": [0.5, 0.2], "pgd": [0.4, 0.21]}),
        ("S4", {"noise": [0.5, 0.2], "pgd": [0.4, 0.3]}, {"noise": [0.5, 0.4], "pgd": [0.4, 0.3]}),
        ("S5", {"pgd": [0.4, 0.5]}, {"pgd": [0.5, 0.4]}),
        (
            "S9",
            {"noise": [0.9, 0.8], "fgsm": [0.9, 0.7]},
            {"noise": [0.9, 0.8], "fgsm": [0.7, 0.7]},
        ),
    ],
)
def test_a_flag_fires_at_its_eps_and_only_then(net, code, fires, quiet):
    flag = {flag.code: flag for flag in check(made_up(net, **fires))}[code]
    assert flag.state == "red"
    assert 0.2 in flag.eps
    assert flag.sentence
    assert states(made_up(net, **quiet))[code] == "quiet"


@pytest.mark.parametrize(("code", "eps"), [("S3", 1.0), ("S6", 0.5)])
def test_survivors_where_none_can_be_are_a_flag_from_the_probe_too(net, code, eps):
    for share, state in ((0.5, "red"), (0.0, "quiet")):
        evidence = made_up(net, pgd=[share])
        probe = {"pgd": replace(evidence.outcomes["pgd"], eps=(eps,))}
        assert states(replace(evidence, probe=probe))[code] == state


def test_restarts_that_still_help_are_a_flag(net):
    evidence = made_up(net, pgd=[0.5])
    tries = np.where(np.arange(200) < 100, 4, np.where(np.arange(200) < 110, 2, 0))[None]
    attack = evidence.outcomes["pgd"].attack._replace(restarts=4)
    late = replace(evidence.outcomes["pgd"], attack=attack, tries=tries)
    early = replace(late, tries=np.where(tries == 2, 0, tries))
    assert states(replace(evidence, outcomes={"pgd": late}))["S7"] == "red"
    assert states(replace(evidence, outcomes={"pgd": early}))["S7"] == "quiet"


def test_files_that_leave_the_ball_or_give_another_accuracy_are_noticed(honest):
    good = honest.stored["fgsm"]
    outside = good.x_adv.copy()
    outside[0, 0, 0, 0] ^= 128
    for bad in (replace(good, x_adv=outside), replace(good, correct=~good.correct)):
        assert states(replace(honest, stored={"fgsm": bad}))["S13"] == "red"


def test_what_cannot_be_checked_says_so(net):
    found = states(Evidence(net, {}))
    assert {code for code in CHECKS if found[code] == "not checked"} == {
        "S1",
        "S2",
        "S3",
        "S4",
        "S5",
        "S6",
        "S7",
        "S9",
        "S13",
    }


def test_a_net_that_is_always_wrong_is_a_clear_result(net):
    wrong = evidence_of(
        replace(net, labels=((logits(net).argmax(-1) + 1) % 4).astype(np.int32)), ("fgsm",), (0.1,)
    )
    assert set(states(wrong).values()) == {"not checked"}
    assert (
        tabulate("net", 0, wrong.clean, wrong.outcomes, check(wrong)).rows[-1].accuracy.value == 0
    )


def test_a_flag_of_one_seed_is_a_flag_of_the_experiment(honest, net):
    tables = {
        seed: tabulate("net", seed, evidence.clean, evidence.outcomes, check(evidence))
        for seed, evidence in enumerate(
            (made_up(net, pgd=[0.5, 0.4]), made_up(net, pgd=[0.4, 0.5]))
        )
    }
    both = over_seeds(tables)
    flag = next(flag for flag in both.flags if flag.code == "S5")
    assert (flag.state, flag.eps) == ("red", (0.2,))
    assert flag.sentence.startswith("seed 1: ")
    assert both.rows[1].accuracy.over == "t over 2 seeds"
    assert both.red


# --- the command


@pytest.fixture
def runs(net, tmp_path, monkeypatch) -> list[Run]:
    """Two seeds of one experiment, whose weights differ a little."""
    data = Dataset("blobs", "made up", net.images, net.labels, net.images, net.labels, 4, "")

    def revive(run, data_dir):
        return SimpleNamespace(
            model=Model(lambda key: net.params, forward),
            params=jax.tree.map(lambda w: w * (1 + run.seed / 10), net.params),
            dataset=data,
            experiment=None,
        )

    def small(name):
        def build() -> Attack:
            return LADDER[name]

        return build

    monkeypatch.setattr(attack_targets, "revive", revive)
    monkeypatch.setattr(attack_targets, "code_digest", lambda experiment: "")
    monkeypatch.setattr(attack_targets, "deployed", lambda model: apply)  # compiled already
    monkeypatch.setattr(command, "ATTACKS", {**ATTACKS, **{name: small(name) for name in LADDER}})
    return [
        Run(tmp_path / "blob_net" / f"00c0ffee-s{seed}", {}, seed, {}, {}, (), {})
        for seed in (0, 1)
    ]


def test_the_command_leaves_tables_pictures_and_per_image_files(runs):
    heard: list[tuple[str, str, float]] = []
    (found,) = command.attack(
        runs, attacks=["fgsm", "pgd"], eps=[0.1], n=60, progress=lambda *news: heard.append(news)
    )
    assert json.loads(json.dumps(found))["seeds"] == [0, 1]
    assert found["gradient_source"] == "true"
    assert [row["attack"] for row in found["rows"]] == [
        "clean",
        "noise",
        "fgsm",
        "pgd",
        "worst case",
    ]
    assert found["rows"][-1]["accuracy"] <= min(row["accuracy"] for row in found["rows"][:-1])
    assert heard[-1] == ("blob_net/00c0ffee-s1", "pgd", 1.0)
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
    np.testing.assert_array_equal(
        attack_targets.deployed(model)(net.params, x), apply(net.params, x)
    )
    assert heard == [exact]


def test_an_attack_gives_the_same_answer_whatever_else_is_asked_for(runs):
    alone = command.attack(runs[:1], attacks=["pgd"], eps=[0.5, 1.0], n=60)[0]["rows"]
    shutil.rmtree(runs[0].path / "attacks")
    together = command.attack(runs[:1], attacks=["fgsm", "pgd"], eps=[0.5, 1.0], n=60)[0]["rows"]
    assert [row for row in together if row["attack"] == "pgd"] == [
        row for row in alone if row["attack"] == "pgd"
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
    assert {row["attack"] for row in found["rows"]} == {
        "clean",
        "worst case",
        *(set(ATTACKS) - {"pgd_l2", "deepfool"}),
    }
    assert {row["attack"] for row in found["l2"]} == {"pgd_l2"}
    assert (
        0 < found["median_l2"]["low"] <= found["median_l2"]["value"] <= found["median_l2"]["high"]
    )
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
    assert "transfer" not in {row["attack"] for row in found["rows"]}
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


def test_the_twin_is_a_run_of_backprop_on_the_same_data():
    def run(name: str, rule: str, digest: str) -> list[Run]:
        config = {"stages": [{"rule": {"name": rule}}]}
        return [
            Run(
                Path(name, "0-s0"),
                config,
                0,
                {"dataset": {"digest": digest}},
                {"n_test": 9},
                (),
                {},
            )
        ]

    made, other, twin = (
        run("made", "oja", "a"),
        run("other", "backprop", "b"),
        run("twin", "backprop", "a"),
    )
    assert attack_targets.twin(made[0:], [made, other, twin]) == twin
    assert attack_targets.twin(twin, [made, other, twin]) == ()


def test_a_median_is_finite_only_where_half_of_the_images_broke():
    values = np.arange(101.0)
    assert median(values)[:3] == (50.0, 41.0, 60.0)
    assert median(np.where(values < 40, values, np.inf)) is None
