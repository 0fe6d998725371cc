"""A config with one thing wrong loads, or is refused in words that name what was changed."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from mutants import Mutant, mutants, outcome


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(mutants())
def test_every_mutant_of_every_config_loads_or_is_refused_by_name(mutant: Mutant):
    with tempfile.TemporaryDirectory() as folder:
        said = outcome(mutant, Path(folder)).replace(folder, "")
    assert not said or mutant.is_named_in(said)
