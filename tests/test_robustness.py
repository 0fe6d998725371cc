"""The measured accuracy, its intervals, and the flags that must fire and must keep quiet."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from honest import EPS, LADDER, apply, honest_net

from bioexp.measures.interval import accuracy, median, student, wilson
from bioexp.robustness import evaluate as robustness
from bioexp.robustness.checks import Evidence, Stored
from bioexp.robustness.evaluate import Net, Outcome, evaluate, logits, right, worst_case
from bioexp.robustness.flags import CHECKS, check, verdict
from bioexp.robustness.table import over_seeds, tabulate
from bioexp.types import Attack


@pytest.fixture(scope="module")
def net() -> Net:
    return honest_net()


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
    assert tabulate("net", 0, wrong.clean, wrong.outcomes, check(wrong)).rows[-1].accuracy == 0


def test_a_flag_of_one_seed_is_a_flag_of_the_experiment(honest, net):
    tables = {
        seed: tabulate("net", seed, evidence.clean, evidence.outcomes, check(evidence))
        for seed, evidence in enumerate(
            (made_up(net, pgd=[0.5, 0.4]), made_up(net, pgd=[0.4, 0.5]))
        )
    }
    both = over_seeds("net", tables)
    flag = next(flag for flag in both.flags if flag.code == "S5")
    assert (flag.state, flag.eps) == ("red", (0.2,))
    assert flag.sentence.startswith("seed 1: ")
    assert both.rows[1].interval == "t over 2 seeds"
    assert both.red


def test_a_median_is_finite_only_where_half_of_the_images_broke():
    values = np.arange(101.0)
    assert median(values)[:3] == (50.0, 41.0, 60.0)
    assert median(np.where(values < 40, values, np.inf)) is None
