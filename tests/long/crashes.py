"""A crash at any file operation, and the same command again: a sample of what `make kills` tries at
every one.
"""

from kills.crashes import EAGER, LAZY, commands, differences


def test_training_that_crashed_ends_as_if_it_had_not(tmp_path, monkeypatch):
    """In the midst of a state, of a run's last files, of the marks that trust them, of its lock."""
    with commands(tmp_path, monkeypatch) as named:
        train = named["train"]
        operations, whole = train.undisturbed()
        every_state, _ = train.undisturbed(EAGER)
        for crashes in (
            [(every_state // 2, EAGER), (every_state // 2, EAGER)],
            [(operations * 2 // 3, LAZY)],
            [(operations - 20, LAZY), (5, LAZY)],
            [(operations, LAZY), (1, LAZY), (2, LAZY)],
        ):
            assert differences(whole, train.crashed(*crashes)) == [], crashes
