"""What stays loaded holds no function that only rare modules need: each of them takes its own."""

from pathlib import Path

import pytest

from host_tools.firmware_fold import fold
from tests.made_programs import MAIN, program, run_on_micropython, same, with_late

_RARE_USE = "from firmware.common import late\nimport app.a\nprint(late.call('app.rare', 'f', 3))"

# What a rare module needs of one that stays, and nobody else; what is printed.
SPARE = {
    "a function": ("def g(x): return x + 1", "(4, 1)\n"),
    "one that needs another": ("def h(x): return x * 2\ndef g(x): return h(x)", "(6, 1)\n"),
    "one that calls itself": ("def g(x): return x and x + g(x - 1)", "(6, 1)\n"),
    "a local called as the rare module's own": ("def g(one): return one", "(3, 1)\n"),
    "a local called as another function": (
        "def h(): return 5\ndef k(x):\n    h = x\n    return h\ndef g(x): return h(), k(x)",
        "((5, 3), 1)\n",
    ),
    "a builtin that the rare module binds": ("def g(x): return max(x, 1)", "(3, 1)\n"),
    "what stays for all": (
        "seen = []\ndef g(x):\n    seen.append(x)\n    return seen",
        "([3], 1)\n",
    ),
    "a variable": (
        "n = 0\ndef up():\n    global n\n    n += 1\n    return n\ndef g(x): return up() + up()",
        "(3, 1)\n",
    ),
    "a default": ("def h(): return 7\ndef g(x, y=h()): return y", "(7, 1)\n"),
    "a decorator": (
        "def twice(f): return lambda x: f(f(x))\n@twice\ndef g(x): return x + 1",
        "(5, 1)\n",
    ),
    "an import": (
        "import time as t\nfrom os import sep\ndef g(x): return sep, t.time() > x",
        "(('/', True), 1)\n",
    ),
    "a generator": ("def h(x): yield x\ndef g(x): return list(h(x))", "([3], 1)\n"),
}


@pytest.mark.parametrize("case", SPARE)
def test_a_function_that_only_a_rare_module_needs_goes_with_it(case: str, tmp_path: Path) -> None:
    a, printed = SPARE[case]
    rare = "from app.a import g\ndef one(): return 1\ndef max(x): return x\n"
    rare += "def f(x): return g(x), max(one())"
    texts = with_late(program(_RARE_USE, a=a, rare=rare))
    assert same(texts) == printed
    linked = fold(texts, MAIN)
    assert run_on_micropython(linked, tmp_path) == printed
    if case in ("a function", "one that needs another", "one that calls itself"):
        assert "def " not in linked["app/main.py"]


def test_a_function_that_others_need_too_stays() -> None:
    main = _RARE_USE + "\nprint(app.a.g(1))"
    texts = with_late(program(main, a="def g(x): return x", rare="from app.a import g\nf = g"))
    assert same(texts) == "3\n1\n"
    linked = fold(texts, MAIN)
    assert "def " in linked["app/main.py"] and "def " not in linked["app/rare.py"]


def test_a_class_that_only_a_rare_module_needs_stays_one() -> None:
    rare = "from app.a import A, make\ndef f(x): return isinstance(make(), A)"
    other = "from app.a import A, make\ndef f(x): return isinstance(make(), A)"
    main = _RARE_USE + "\nprint(late.call('app.other', 'f', 3))"
    a = "class A: pass\ndef make(): return A()"
    texts = with_late(program(main, a=a, rare=rare, other=other))
    assert same(texts) == "True\nTrue\n"
