"""The build's own walk and copy of syntax trees, beside the standard library's."""

import ast
from pathlib import Path

import pytest

from host_tools.firmware_trees import copied, walk

HERE = Path(__file__).parent
FOLDERS = (HERE, HERE.parent / "firmware")


@pytest.fixture(scope="module")
def trees() -> list[ast.Module]:
    return [ast.parse(path.read_text()) for folder in FOLDERS for path in folder.rglob("*.py")]


def test_the_walk_meets_all_that_the_standard_one_meets_in_its_order(
    trees: list[ast.Module],
) -> None:
    for tree in trees:
        expected = [node for node in ast.walk(tree) if not isinstance(node, ast.expr_context)]
        assert list(map(id, walk(tree))) == list(map(id, expected))


def test_what_newer_pythons_have_is_met_too() -> None:
    tree = ast.parse("match x:\n    case {'a': [1, *y], **z} | C(b=2) as w if w: pass")
    expected = [node for node in ast.walk(tree) if not isinstance(node, ast.expr_context)]
    assert walk(tree) == expected


def test_a_copy_is_equal_and_its_own(trees: list[ast.Module]) -> None:
    for tree in trees:
        other = copied(tree)
        assert ast.dump(other, include_attributes=True) == ast.dump(tree, include_attributes=True)
        assert not set(map(id, walk(tree))) & set(map(id, walk(other)))
