"""Runs the harness: `python -m tests.faults [--seeds N] [--jobs N] [--seed N]
[--sweep micropython]`.

The last line is `trials N, lost L, duplicated D, stuck S, unconserved U`; anything that went wrong
ends with exit code 1.
"""

import argparse
import sys
from functools import partial

from tests.faults import report
from tests.faults.micropython import sweep
from tests.faults.trials import Harness, harness

_say = partial(print, flush=True)


def main() -> int:
    options = _options()
    with harness() as here:
        if options.seed is not None:
            return _replay(here, options.seed)
        is_good = report.variants_text(here, min(options.seeds, report.SEEDS), _say)
        if options.sweep:
            is_good &= sweep(options.every, _say)
        run = here.run_all(options.seeds, partial(report.watch, say=_say), options.jobs)
    for line in report.run_text(run):
        _say(line)
    return int(not (is_good and report.is_good(run)))


def _replay(here: Harness, seed: int) -> int:
    trial = here.trial(here.map.plan(seed))
    for line in report.trial_text(trial):
        _say(line)
    return int(bool(trial.breaches))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--seeds", type=int, default=report.SEEDS, help="how many trials")
    parser.add_argument("--jobs", type=int, default=1, help="in how many processes")
    parser.add_argument("--seed", type=int, help="replay this trial only")
    parser.add_argument("--sweep", choices=["micropython"], help="cut real MicroPython's power too")
    parser.add_argument("--every", type=int, default=1, help="sweep every n-th operation only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
