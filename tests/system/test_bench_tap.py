"""What `opg bench tap` counts: both boards' firmware in one MicroPython, without valgrind here."""

import json
from pathlib import Path

from host_tools.bench import tap
from host_tools.bench.counting import output_of

HEAP = "256K"


def test_one_tap_costs_what_the_protocol_says(tmp_path: Path) -> None:
    """A signature each for request, payment and receipt; four checked: what is known is not."""
    tap.build(tmp_path)
    told = output_of(tmp_path, "tap_program", "tally", heap=HEAP)
    found = json.loads(told)
    assert {side: found[side]["signed"] for side in found} == {"payer": 1, "payee": 2}
    # The payer: DCERT, PREQ, ACK. The payee: TXN; the purse was looked at in the tap before.
    assert {side: found[side]["verified"] for side in found} == {"payer": 3, "payee": 1}
    for side in found.values():
        assert side["bytes"] < 1_200
        assert side["frames"] < 24
        assert 0 < side["flash_ops"] < 100
    assert output_of(tmp_path, "tap_program", "tally", heap=HEAP) == told
