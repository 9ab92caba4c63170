"""A folded program does what it did: constants, type hints and short names, by running it."""

import pytest

from host_tools.firmware_fold import fold
from host_tools.firmware_program import LinkError
from tests.made_programs import MAIN, program, run, same

# What breaks when constants are replaced by their values.
CONSTANTS = {
    "of every kind, imported": (
        "from app.a import FLAG, NAME, NUMBER, RAW, WIDE\nprint(NUMBER, NAME, RAW, FLAG, WIDE)",
        "NUMBER = 7\nNAME = 'x'\nRAW = b'\\x00'\nFLAG = True\nWIDE = NUMBER << 4 | 2 ** 3\n",
        "7 x b'\\x00' True 120\n",
    ),
    "by module": ("from app import a\nprint(a.MAX + a.f())", "MAX = 3\ndef f(): return MAX", "6\n"),
    "by another name": ("from app.a import MAX as most\nprint(most)", "MAX = 3", "3\n"),
    "negative": ("LOW = 1 - 3\nprint(LOW ** 2, LOW.bit_length(), -LOW)", "", "4 2 2\n"),
    "written negative": ("LOW = -3\nprint(LOW ** 2)", "", "9\n"),
    "in an attribute's place": (
        "NUMBER = 5\nprint(NUMBER.to_bytes(2, 'big'))",
        "",
        "b'\\x00\\x05'\n",
    ),
    "in texts": (
        "NL = '\\n'\nQUOTES = '\"\\''\nWIDTH = 4\nx = 1\n"
        "print(f'{x}{NL}{QUOTES}{x:{WIDTH}}{QUOTES!r}')",
        "",
        "1\n\"'   1'\"\\''\n",
    ),
    "bound twice in one line": ("ONE = TWO = 5\nprint(ONE, TWO)", "", "5 5\n"),
    "bound again": ("N = 1\nN = 2\nprint(N)", "", "2\n"),
    "counted up": ("N = 1\nN += 1\nprint(N)", "", "2\n"),
    "bound by a function": ("N = 1\ndef f():\n    global N\n    N = 2\nf()\nprint(N)", "", "2\n"),
    "hidden by an argument": ("N = 5\ndef f(N): return N\nprint(f(3), N)", "", "3 5\n"),
    "hidden by a local": ("N = 5\ndef f():\n    N = 3\n    return N\nprint(f(), N)", "", "3 5\n"),
    "hidden by a loop": ("N = 5\nprint([N for N in range(2)], N)", "", "[0, 1] 5\n"),
    "hidden in a class": ("N = 5\nclass A:\n    N = 3\nprint(A.N, N)", "", "3 5\n"),
    "imported below its use": (
        "def f(): return N\nfrom app.a import N\nprint(f())",
        "N = 2",
        "2\n",
    ),
    "imported inside": (
        "def f():\n    from app.a import N\n    return N\nprint(f())",
        "N = 2",
        "2\n",
    ),
    "imported from beside": (
        "from . import a\nfrom .a import N, f\nprint(N, f(), a.N)",
        "N = 1\ndef f(): return 2",
        "1 2 1\n",
    ),
    "the only thing under a condition": (
        "if len('a'):\n    from app.a import N\nprint(N)",
        "N = 3",
        "3\n",
    ),
    "of a module that does something": (
        "from app import a\nprint(a.N)",
        "N = 1\nprint('done')",
        "done\n1\n",
    ),
    "beside others in a tuple": (
        "a, b = e = (c, d) = 1, 2\nprint(a, b, e, c, d)",
        "",
        "1 2 (1, 2) 1 2\n",
    ),
    "swapped": ("a, b = 1, 2\na, b = b, a\nprint(a, b)", "", "2 1\n"),
}


@pytest.mark.parametrize("case", CONSTANTS)
def test_a_constant_stays_what_it_is(case: str) -> None:
    main, a, printed = CONSTANTS[case]
    assert same(program(main, a=a)) == printed


def test_a_constant_passes_through_modules() -> None:
    texts = program(
        "from app.c import N\nprint(N)", c="from app.b import N", b="from app.a import N"
    )
    assert same({**texts, "app/a.py": "N = 4"}) == "4\n"


def test_constants_of_one_name_in_two_modules_differ() -> None:
    text = "_LIMIT = {}\ndef f(): return _LIMIT"
    texts = program("from app import a, b\nprint(a.f(), b.f())", a=text.format(1), b=text.format(2))
    assert same(texts) == "1 2\n"


def test_a_constant_costs_nothing_any_more() -> None:
    folded = fold(program("from app.a import LIMIT\nprint(LIMIT)", a="LIMIT = 7"))
    assert folded == {"app/main.py": "print(7)", "app/a.py": ""}


@pytest.mark.parametrize(
    "main",
    [
        "from app.a import N\nN = N + 1",
        "from app.a import N\ndef f():\n    N = 3\n    return N",
        "from app.a import N\ndef f(N):\n    return N",
        "N = [1]\ndef f():\n    from app.a import N\n    return N",
        "from app.a import N\nfrom app.b import N",
        "from app import a\ndef f(a):\n    return a.N",
    ],
)
def test_an_imported_constant_that_is_bound_again_is_refused(main: str) -> None:
    with pytest.raises(LinkError, match=r"^app.main imports (N|a) for a constant, and binds it"):
        fold(program(main, a="N = 1", b="N = 2"))


@pytest.mark.parametrize("module", ["app.a", "os"])
def test_a_star_is_refused(module: str) -> None:
    with pytest.raises(LinkError, match=rf"^app.main imports \* from {module}"):
        fold(program(f"from {module} import *", a="x = 1"))


TYPES = {
    "annotations": (
        "x: int = 4\ndef f(a: 'int' = 2, *b: int, c: int = 3, **d: int) -> 'int':\n"
        "    e: int\n    e = a + c\n    return e\nprint(f(), f(1, 5, c=1), x)",
        "5 2 4\n",
    ),
    "a class of annotations": (
        "class A:\n    x: int\nclass B(A):\n    y: int = 3\nprint(B.y)",
        "3\n",
    ),
    "an async function": (
        "async def f(x: int = 1) -> int:\n    return x\n"
        "try:\n    f().send(None)\nexcept StopIteration as end:\n    print(end.value)",
        "1\n",
    ),
    "only for checkers": (
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import nothing\nprint(1)",
        "1\n",
    ),
    "or else": (
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    x = 1\nelse:\n    x = 2\nprint(x)",
        "2\n",
    ),
    "in a function": (
        "TYPE_CHECKING = False\ndef f():\n    if TYPE_CHECKING:\n        import nothing\n"
        "print(f())",
        "None\n",
    ),
}


@pytest.mark.parametrize("case", TYPES)
def test_what_types_need_does_nothing(case: str) -> None:
    main, printed = TYPES[case]
    assert same(program(main)) == printed


def test_only_the_boards_half_is_kept() -> None:
    text = (
        "import sys\nif sys.implementation.name == 'micropython':\n    from app.board import name\n"
        "else:\n    from app.host import name\nprint(name())"
    )
    texts = program(text, board="def name(): return 'board'", host="def name(): return 'host'")
    assert run(texts) == "host\n"
    assert run(fold(texts)) == "board\n"
    del texts["app/host.py"]  # as flashing does
    assert run(fold(texts, MAIN)) == "board\n"


# What breaks when arguments, private names and private attributes get short ones.
NAMES = {
    "an argument's default of its name": (
        "size = 4\ndef f(size=size): return size\nprint(f(), f(2))",
        "4 2\n",
    ),
    "an inner default": (
        "def f(size):\n    def g(size=size):\n        return size\n"
        "    return g() + g(1)\nprint(f(3))",
        "4\n",
    ),
    "a default of a lambda": ("def f(size): return lambda size=size: size\nprint(f(3)())", "3\n"),
    "keywords": ("def f(amount, other): return amount - other\nprint(f(other=1, amount=3))", "2\n"),
    "keywords from a dict": ("def f(amount): return amount\nprint(f(**{'amount': 3}))", "3\n"),
    "an argument bound by except": (
        "def f(it):\n    try:\n        raise ValueError('x')\n    except ValueError as it:\n"
        "        print(it)\nf(1)",
        "x\n",
    ),
    "an argument bound by a function": (
        "def f(inner):\n    def inner(): return 4\n    return inner()\nprint(f(1))",
        "4\n",
    ),
    "an argument bound by an import": (
        "def f(sys):\n    import sys\n    return sys.__name__\nprint(f(1))",
        "sys\n",
    ),
    "an argument that an inner class has too": (
        "def f(it):\n    class A:\n        it = 5\n    return A.it, it\nprint(f(1))",
        "(5, 1)\n",
    ),
    "a nonlocal argument": (
        "def f(total):\n    def add(step):\n        nonlocal total\n        total += step\n"
        "    add(2)\n    return total\nprint(f(3))",
        "5\n",
    ),
    "an argument that is global inside": (
        "total = 1\ndef f(total):\n    def g():\n        global total\n        total = 9\n    g()\n"
        "    return total\nprint(f(3), total)",
        "3 9\n",
    ),
    "an inner function called a": (
        "kept = []\ndef f(given):\n    @kept.append\n    def a(): return 4\n    return given\n"
        "print(f(7), kept[0]())",
        "7 4\n",
    ),
    "an error called a": (
        "def f(given):\n    try:\n        raise ValueError\n    except ValueError as a:\n"
        "        pass\n    return given\nprint(f(7))",
        "7\n",
    ),
    "a function called a": (
        "def _x(): return 1\ndef a(): return 2\ndef use(): return _x()\nprint(use())\n"
        "import sys\nprint(sys.modules[__name__].a())",
        "1\n2\n",
    ),
    "an argument called as a private name": (
        "_x = 4\ndef f(_x): return _x\nprint(f(1), _x)",
        "1 4\n",
    ),
    "an inner function called as a private one": (
        "def _x(): return 1\ndef f():\n    def _x(): return 2\n    return _x()\nprint(f(), _x())",
        "2 1\n",
    ),
    "a private variable that a function binds": (
        "_n = 0\ndef _up():\n    global _n\n    _n += 1\n_up()\nprint(_n)",
        "1\n",
    ),
    "a private attribute of a class": (
        "class A:\n    _x = 5\n    def f(self): return self._x\nprint(A().f())",
        "5\n",
    ),
    "a private name, and an attribute called so": (
        "_x = 4\nclass A:\n    _x = 5\n    def f(self): return self._x\nprint(A().f(), _x)",
        "5 4\n",
    ),
    "a private attribute by text": (
        "class A:\n    __slots__ = ('_x',)\n    def __init__(self): self._x = 1\n"
        "    def f(self): return getattr(self, '_x')\nprint(A().f())",
        "1\n",
    ),
    "a private attribute of another object": (
        "class A:\n    def __init__(self, x): self._x = x\n"
        "    def __eq__(self, other): return self._x == other._x\n"
        "print(A(1) == A(1), A(1) == A(2))",
        "True False\n",
    ),
    "a hierarchy": (
        "class A:\n    def __init__(self): self._one = 1\n    def _get(self): return self._one\n"
        "class B(A):\n    def __init__(self):\n        super().__init__()\n        self._two = 2\n"
        "    def _get(self): return super()._get(), self._two\n"
        "class C(B):\n    def f(self): return self._get(), self._one\nprint(C().f())",
        "((1, 2), 1)\n",
    ),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_short_name_means_the_same(case: str) -> None:
    main, printed = NAMES[case]
    assert same(program(main)) == printed


@pytest.mark.parametrize(
    "main",
    [
        "from app.a import _help\nprint(_help())",
        "from app import a\nprint(a._help())",
        "from app.a import f\nprint(f())",
    ],
)
def test_a_private_name_that_others_use_is_found(main: str) -> None:
    assert same(program(main, a="def _help(): return 1\ndef f(): return _help()")) == "1\n"


def test_a_class_shares_no_attribute_with_a_base_of_another_name() -> None:
    base = (
        "class Base:\n    def __init__(self): self._zero = 0\n    def _one(self): return self._zero"
    )
    main = (
        "from app.a import Base as Root\nclass C(Root):\n    def __init__(self):\n"
        "        super().__init__()\n        self._two = 2\n"
        "    def f(self): return self._one(), self._two\nprint(C().f())"
    )
    assert same(program(main, a=base)) == "(0, 2)\n"


def test_names_become_short() -> None:
    folded = fold(
        program("_counter = [1]\ndef _increase(amount): return amount\n_increase(_counter)")
    )
    text = folded["app/main.py"]
    assert not any(word in text for word in ("_counter", "_increase", "amount"))
