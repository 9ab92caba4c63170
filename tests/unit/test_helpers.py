"""The helpers themselves, so that a helper that hides failures is found out."""

from tests.unit.helpers import Seeded, raises


def test_raises_returns_the_exception():
    error = raises(ValueError, int, "x")
    assert isinstance(error, ValueError)


def test_raises_fails_where_nothing_is_raised():
    assert "nothing raised ValueError" in str(raises(AssertionError, raises, ValueError, int, "1"))


def test_seeded_repeats_itself():
    first, second = Seeded("opg"), Seeded("opg")
    assert [first.data(50), first.data(3)] == [second.data(50), second.data(3)]
    assert Seeded("other").data(50) != Seeded("opg").data(50)
    # printf 'opg:1' | sha256sum
    assert Seeded("opg").data(4).hex() == "a2ccd4f6"


def test_below_keeps_its_limit():
    seeded = Seeded("limits")
    assert {seeded.below(3) for _ in range(50)} == {0, 1, 2}
