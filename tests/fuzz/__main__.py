"""`make fuzz`: five hundred configs with one thing wrong, each of which loads, or is refused in a
few words that name what was changed, in five seconds at most.

    python tests/fuzz [--mutants 500] [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parent.parent))
from mutants import Mutant, mutants, outcome

LONGEST = 5.0  # seconds


def main() -> int:
    """Exits with 1 and the mutants that were not taken as they should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    wrong, counts = [], Counter[str]()

    @seed(asked.seed)
    @settings(
        max_examples=asked.mutants,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(mutants())
    def one(mutant: Mutant) -> None:
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as folder:
                said = outcome(mutant, Path(folder)).replace(folder, "")
            counts["refused" if said else "loads"] += 1
            if said and not mutant.is_named_in(said):
                wrong.append((mutant, f"does not name what was changed: {said}"))
        except Exception as error:
            wrong.append((mutant, repr(error)))
        if (took := time.monotonic() - began) > LONGEST:
            wrong.append((mutant, f"took {took:.1f} s"))

    one()
    for mutant, what in wrong:
        print(f"{mutant.config}: {mutant.what} at {mutant.at}: {what[:500]}")
    print(f"{sum(counts.values())} mutants, {dict(counts)}; {len(wrong)} taken wrongly")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
