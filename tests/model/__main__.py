"""Runs the model: `python -m tests.model [--short]`; anything that should not be is exit code 1."""

import argparse
import sys
from itertools import chain

from tests.model import report
from tests.model.bank_variants import BANK_VARIANTS
from tests.model.board_variants import BOARD_VARIANTS
from tests.model.configurations import LONG, SHORT


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.model")
    parser.add_argument("--short", action="store_true", help="what every test run explores")
    towns = SHORT if parser.parse_args().short else (*SHORT, *LONG)
    variants = (*BOARD_VARIANTS, *BANK_VARIANTS)
    is_good = True
    for line, is_good_line in chain(
        report.towns_text(towns), report.pair_rule_text(), report.variants_text(variants)
    ):
        print(line, flush=True)
        is_good &= is_good_line
    print("the model holds" if is_good else "the model does not hold")
    return int(not is_good)


if __name__ == "__main__":
    sys.exit(main())
