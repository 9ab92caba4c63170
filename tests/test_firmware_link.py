"""A linked program does what its modules did, by running it; what cannot be linked is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tools.firmware_fold import fold
from host_tools.firmware_program import LinkError
from tests.made_programs import MAIN, Texts, program, run, run_on_micropython, same, with_late

USE = "from app import a, b\nprint(a.f(), b.f())"

# Two modules of a program that have names in common, and what `USE` prints of them.
COLLISIONS = {
    "functions": ("def f(): return 1", "def f(): return 2", "1 2\n"),
    "private names": ("def _g(): return 1\ndef f(): return _g()",) * 2 + ("1 1\n",),
    "private variables": (
        "_x = [1]\ndef f(): return _x",
        "_x = [2]\ndef f(): return _x",
        "[1] [2]\n",
    ),
    "variables": (
        "n = 0\ndef f():\n    global n\n    n += 1\n    return n",
        "n = 5\ndef f():\n    global n\n    n += 1\n    return n",
        "1 6\n",
    ),
    "variables that only functions bind": (
        "def f():\n    global n\n    n = 1\n    return n\nf()",
        "def g():\n    global n\n    n = 2\ndef f(): return n\ng()",
        "1 2\n",
    ),
    "an argument": ("size = [1]\ndef f(): return size", "def f(size=2): return size", "[1] 2\n"),
    "a local": (
        "size = [1]\ndef f(): return size",
        "def f():\n    size = 2\n    return size",
        "[1] 2\n",
    ),
    "a local of the first": (
        "def f():\n    g = 2\n    return g",
        "g = [1]\ndef f(): return g",
        "2 [1]\n",
    ),
    "an inner function": (
        "def g(): return 1\ndef f(): return g()",
        "def f():\n    def g(): return 2\n    return g()",
        "1 2\n",
    ),
    "a loop's name": (
        "x = [1]\ndef f(): return x",
        "def f(): return [x for x in 'ab'], {x: 1 for x in 'c'}, list(x for x in 'd')",
        "[1] (['a', 'b'], {'c': 1}, ['d'])\n",
    ),
    "a lambda's argument": ("x = [1]\ndef f(): return x", "f = lambda x=2: x", "[1] 2\n"),
    "an error's name": (
        "e = [1]\ndef f(): return e",
        "def f():\n    try:\n        return 1 // 0\n    except ZeroDivisionError as e:\n"
        "        return len(e.args)",
        "[1] 1\n",
    ),
    "an attribute of a class": (
        "size = [1]\ndef f(): return size",
        "class A:\n    size = 2\n    def g(self): return self.size\ndef f(): return A().g()",
        "[1] 2\n",
    ),
    "an attribute called as what it is": (
        "def g(): return 1\ndef f(): return g()",
        "from app.a import g as h\nclass A:\n    g = h\n    i = h\ndef f(): return A.g(), A.i()",
        "1 (1, 1)\n",
    ),
    "a method": (
        "def g(): return 1\ndef f(): return g()",
        "class A:\n    def g(self): return 2\ndef f(): return A().g()",
        "1 2\n",
    ),
    "classes": (
        "class A:\n    def g(self): return 1\ndef f(): return A().g()",
        "from app.a import A as Base\nclass A(Base):\n    def g(self): return super().g() + 1\n"
        "def f(): return A().g()",
        "1 2\n",
    ),
    "a keyword": (
        "x = [1]\ndef f(): return x",
        "def g(*, x): return x\ndef f(): return g(x=2)",
        "[1] 2\n",
    ),
    "a name with a module's name before it": (
        "def g(): return 1\ndef f(): return g()",
        "b_g = [3]\ndef g(): return 2\ndef f(): return g(), b_g",
        "1 (2, [3])\n",
    ),
    "a default": ("x = [1]\ndef f(): return x", "x = [2]\ndef f(x=x): return x", "[1] [2]\n"),
    "a decorator": (
        "def d(g): return lambda: 1\n@d\ndef f(): return 0",
        "def d(g): return lambda: g() + 2\n@d\ndef f(): return 0",
        "1 2\n",
    ),
    "a text with braces": (
        "x = [1]\ndef f(): return f'{x}'",
        "x = [2]\ndef f(): return f'{x!r:>5}{x[0]:{x[0]}}'",
        "[1]   [2] 2\n",
    ),
    "a name deleted again": (
        "x = [1]\ndef f(): return x",
        "x = [2]\ndel x\ndef f(): return 2",
        "[1] 2\n",
    ),
    "a builtin": (
        "def f(): return len('abc')",
        "def len(x): return 9\ndef f(): return len('abc')",
        "3 9\n",
    ),
    "what is imported from outside": (
        "import time\ndef f(): return time.__name__",
        "time = [2]\ndef f(): return time",
        "time [2]\n",
    ),
    "another name for what the other has": (
        "def width(): return [1]\ndef f(): return width()",
        "from app.a import width as size\ndef width(): return [2]\n"
        "def f(): return [x for x in list(size())], width()",
        "[1] ([1], [2])\n",
    ),
    "an async function": (
        "async def g(): return 1\ndef f():\n    try:\n        g().send(None)\n"
        "    except StopIteration as end:\n        return end.value",
        "async def g(): return 2\nasync def h(): return await g()\ndef f():\n"
        "    try:\n        h().send(None)\n    except StopIteration as end:\n"
        "        return end.value",
        "1 2\n",
    ),
}


@pytest.mark.parametrize("case", COLLISIONS)
def test_one_name_in_two_modules_means_two_things(case: str, tmp_path: Path) -> None:
    a, b, printed = COLLISIONS[case]
    texts = program(USE, a=a, b=b)
    assert same(texts) == printed
    assert run_on_micropython(fold(texts, MAIN), tmp_path) == printed


IMPORTS = {
    "a module by its whole name": "import app.a\nprint(app.a.f())",
    "a module by another name": "import app.a as m\nprint(m.f())",
    "a module from its package": "from app import a as m\nprint(m.f())",
    "from beside": "from . import a\nfrom .a import f\nprint(f() if f is a.f else 0)",
    "inside a function": "def g():\n    from app.a import f\n    return f()\nprint(g())",
    "a module inside a function": "def g():\n    import app.a\n    return app.a.f()\nprint(g())",
    "so, by another name": "def g():\n    import app.a as m\n    return m.f()\nprint(g())",
    "inside and outside": (
        "from app import a\ndef g():\n    from .a import f\n    return f()\nprint(g())"
    ),
    "outside, with a part": (
        "import os.path\nfrom app.a import f\nprint(f() if os.sep and os.path else 0)"
    ),
}


@pytest.mark.parametrize("case", IMPORTS)
def test_an_import_finds_its_module(case: str) -> None:
    assert same(program(IMPORTS[case], a="def f(): return 1\ndef unused(): return 2")) == "1\n"


def test_a_variable_is_followed_in_its_module() -> None:
    a = "n = 0\ndef up():\n    global n\n    n += 1"
    assert same(program("from app import a\na.up()\na.up()\nprint(a.n)", a=a)) == "2\n"


def test_what_runs_at_loading_runs_once_and_in_order() -> None:
    main = "from app import a, b\nprint('main')"
    text = "from app import c\nprint(__import__('sys') and '{}')"
    texts = program(main, a=text.format("a"), b=text.format("b"), c="print('c')")
    assert same(texts) == "c\na\nb\nmain\n"


def test_what_runs_at_loading_is_not_left_out() -> None:
    a = (
        "def say(text):\n    print(text)\n    return 1\ndef f(x=say('default')): pass\n"
        "class A:\n    x = say('class')\nkept = []\n@kept.append\ndef g(): pass\n"
        "count = 0\ncount += 1\ngone = 1\ndel gone\nsay('end')\ndef used(): return len(kept)"
    )
    texts = program("from app.a import used\nprint(used())", a=a)
    assert same(texts) == "default\nclass\nend\n1\n"


def test_what_nobody_uses_is_left_out() -> None:
    a = "import time\ndef used(): return 1\ndef useless(): return useless_too()\n"
    a += "def useless_too(): return time\nclass Useless:\n    def f(self): return 1\n"
    linked = fold(program("from app.a import used\nprint(used())", a=a), MAIN)
    assert list(linked) == ["app/main.py"]
    text = linked["app/main.py"].lower()
    assert "used" in text
    assert "useless" not in text
    assert "time" not in text


LATE = "from firmware.common import late\nfrom app.a import g\n"


@pytest.mark.parametrize(
    "main",
    [
        "print(late.call('app.rare', 'f', 3), g())",
        "NAME = 'app.rare'\nprint(late.call(NAME, 'f', 3), g())",
        "def h():\n    from app.rare import f\n    return f(3)\nprint(h(), g())",
        "def h():\n    from app import rare\n    return rare.f(3)\nprint(h(), g())",
        "def h():\n    import app.rare as rare\n    return rare.f(3)\nprint(h(), g())",
        "def h():\n    import app.rare\n    return app.rare.f(3)\nprint(h(), g())",
        "def h(name):\n    return late.call('app.rare', name, 3)\nprint(h('f'), g())",
    ],
)
def test_a_rare_module_is_a_file_of_its_own(main: str, tmp_path: Path) -> None:
    rare = "from app.a import _g\nfrom app import c\ndef f(x): return x, _g(), c.g()"
    texts = program(LATE + main, a="def _g(): return 1\ndef g(): return _g() + 1", rare=rare)
    texts = with_late({**texts, "app/c.py": "_g = [7]\ndef g(): return _g"})
    assert same(texts) == "(3, 1, [7]) 2\n"
    linked = fold(texts, MAIN)
    assert set(linked) == {"app/main.py", "app/rare.py", "firmware/common/late.py"}
    assert run_on_micropython(linked, tmp_path) == "(3, 1, [7]) 2\n"


def test_a_private_name_is_called_by_text() -> None:
    main = "from firmware.common import late\nprint(late.call('app.rare', '_f', 3))"
    assert same(with_late(program(main, rare="def _f(x): return x"))) == "3\n"


def test_a_class_of_a_rare_module_extends_one_that_stays() -> None:
    base = "class Base:\n    def __init__(self, one): self._one = one\n"
    base += "    def _get(self): return self._one"
    rare = (
        "from app.a import Base\nclass Rare(Base):\n    def __init__(self):\n"
        "        super().__init__(1)\n        self._two = 2\n"
        "    def f(self): return self._get(), self._two\ndef make(): return Rare().f()"
    )
    main = "from app.a import Base\nfrom firmware.common import late\n"
    main += "print(late.call('app.rare', 'make'), Base(3)._get())"
    assert same(with_late(program(main, a=base, rare=rare))) == "(1, 2) 3\n"


def test_a_door_gives_out_what_it_imports() -> None:
    texts = program("from firmware.common import crypto\nprint(crypto.seal(1), crypto.LEN)")
    texts["firmware/common/crypto/__init__.py"] = (
        "from .deep import seal\nLEN = 2\ndef rest(): pass"
    )
    texts["firmware/common/crypto/deep.py"] = "def seal(x): return x + 1"
    assert same(texts) == "2 2\n"
    door = fold(texts, MAIN)["firmware/common/crypto/__init__.py"]
    bound = run({"app/main.py": "", "app/door.py": door + "\nprint(seal(1), rest())"}, "app.door")
    assert bound == "2 None\n", "a door keeps what nobody here uses"


REFUSED = {
    "what is missing": (
        "from app.a import nothing",
        "app.main imports nothing from app.a, which has",
    ),
    "an attribute that is missing": (
        "from app import a\na.nothing()",
        "app.main uses app.a.nothing,",
    ),
    "a module's name for a constant": (
        "import app.a as m\nprint(m.N)",
        "app.main uses app.a.N, which",
    ),
    "a module as a value": (
        "from app import a\nprint(a)",
        "app.main uses the module app.a as a value",
    ),
    "getattr of a module": (
        "from app import a\ngetattr(a, 'f')()",
        "app.main uses the module app.a",
    ),
    "assigning to a module": (
        "from app import a\na.f = 1",
        "app.main assigns to f of another module",
    ),
    "a text for what is there": (
        "from app import a\n__import__('app.a')\na.f()",
        "app.a is loaded by its name, but is always there; import it",
    ),
    "binding an import again": (
        "from app.a import f\nf = 1",
        "app.main imports f, and binds it to",
    ),
    "defining an import again": (
        "from app.a import f\ndef f(): pass",
        "app.main imports f, and binds",
    ),
    "one or another import": (
        "try:\n    import json\nexcept ImportError:\n    import ast as json\njson",
        "app.main imports json, and binds it to something else",
    ),
    "an import under a condition": (
        "import sys\nif sys:\n    from app.a import f",
        "app.main imports f under a condition",
    ),
    "a copy of a variable": ("from app.a import n", "app.main imports n, which app.a binds anew"),
    "a late copy of a variable": (
        "from app.a import f\nf()\nf.late = 'app.rare'",
        "app.rare uses n, which app.a binds anew",
    ),
    "a class between two meanings": (
        "from app import b\nprint(b.A.f)",
        "app.b has a class that binds f, which the module binds too",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_linked_is_refused(case: str) -> None:
    main, says = REFUSED[case]
    texts = program(
        main,
        a="N = 1\nn = 0\ndef f():\n    global n\n    n += 1",
        b="from app import a\na.f()\ndef f(): pass\nclass A:\n    f = f",
        rare="from app import a\ndef g(): return a.n",
    )
    if not says.startswith("app.rare"):
        del texts["app/rare.py"]
    if not says.startswith("app.b"):
        del texts["app/b.py"]
    with pytest.raises(LinkError) as refused:
        fold(texts, MAIN)
    assert str(refused.value).startswith(says)


# Random programs: few names, and every module and scope binds some of them.
NAMES = ("a", "f", "size", "_x", "_m0")
_names = st.sampled_from(NAMES)


@st.composite
def _programs(draw: st.DrawFn) -> Texts:
    count = draw(st.integers(2, 4))
    modules = {f"m{number}": _module(draw, number) for number in range(count)}
    main = "\n".join(_shown(draw, name) for name in modules)
    return program(main, **modules)


def _module(draw: st.DrawFn, number: int) -> str:
    """Defines or imports each name, and prints in `show` what they are in some scopes."""
    lines = [f"from app import m{other}" for other in range(number)]
    kinds = draw(st.permutations(NAMES))
    border = draw(st.integers(0, len(NAMES))) if number else 0
    for name in kinds[:border]:
        other = draw(st.integers(0, number - 1))
        lines.append(f"from app.m{other} import {draw(_names)} as {name}")
    for name in kinds[border:]:
        lines.append(f"def {name}({draw(_names)}): return '{number}.{name}', {draw(_names)}")
    uses = [_use(draw, number) for _ in range(draw(st.integers(1, 5)))]
    return "\n".join([*lines, *(f"def show{n}(): {use}" for n, use in enumerate(uses)), _all(uses)])


def _use(draw: st.DrawFn, number: int) -> str:
    used = draw(_names)
    call = f"str({used}(1))[:9]"
    if number and draw(st.booleans()):
        call = f"str(m{draw(st.integers(0, number - 1))}.{draw(_names)}(1))[:9]"
    local = draw(st.sampled_from([name for name in NAMES if name != used]))
    return draw(
        st.sampled_from(
            [
                f"return {call}",
                f"{local} = 3; return {local}, {call}",
                f"return [{local} for {local} in {call}]",
                f"return [{used} for {used} in {call}]",
                f"return (lambda {local}: ({local}, {call}))(4)",
                f"return (lambda {local}={used}: str({local}(5))[:9])()",
                f"{local} = lambda {used}: {used}; return {local}({call})",
            ]
        )
    )


def _all(uses: list[str]) -> str:
    return "def show(): return " + ", ".join(f"show{n}()" for n in range(len(uses))) + ","


def _shown(draw: st.DrawFn, name: str) -> str:
    """Loaded with main, or inside a function."""
    if draw(st.booleans()):
        return f"from app import {name}\nprint({name}.show())"
    return f"def show_{name}():\n    from app.{name} import show\n    print(show())\nshow_{name}()"


@given(_programs())
def test_a_random_program_stays_the_same(texts: Texts) -> None:
    printed = run(texts)
    assert run(fold(texts)) == printed
    assert run(fold(texts, MAIN)) == printed
