"""Power cuts amid a tap on real MicroPython; the harness of tests/faults has them on CPython."""

from tests.faults.micropython import sweep

EVERY = 7  # about 12 power cuts; `make faults SWEEP=micropython` makes them all


def test_nothing_is_lost() -> None:
    said: list[str] = []
    assert sweep(EVERY, said.append), "\n".join(said)
