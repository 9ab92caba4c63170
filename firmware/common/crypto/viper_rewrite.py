"""Rewrites a viper function so that CPython does what a 32-bit board does (see `viper`).

    a + b, a - b, a * b, a & b, a | b, a ^ b, a << n    are right modulo 2^32 however large Python
        lets them grow, so a variable holds any number that is the right one modulo 2^32
    a >> n, a // b, a % b, a < b, a store, an index, a condition, a result    first bring a number
        into the range of its type: wrapped(n) = ((n + 2^31) & (2^32 - 1)) - 2^31 for an int
    p = ptr32(n)    becomes the address `p_at` and a view of the memory from there on, `p`

The type of an operation's result is that of its left side, as in MicroPython's emitter.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable

_POINTERS = ("ptr8", "ptr16", "ptr32")
_NUMBERS = ("int", "uint")
_HOMOMORPHIC = (ast.Add, ast.Sub, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)
_GROWING = (ast.Mult, ast.LShift)
_STORE_MASKS = {"ptr8": 0xFF, "ptr16": 0xFFFF}
_REACH = 256  # of a constant index
_SMALL = 1 << 30  # from here on a constant is an object in viper


def rewrite(function: Callable, runtime: dict) -> Callable:
    """The same function in Python; SyntaxError where it is no good viper."""
    lines, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    ast.increment_lineno(tree, first - 1)
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise SyntaxError("only a function can be viper")
    tree.body = [_Rewriter(definition, function.__globals__).rewritten()]
    scope = {**function.__globals__, **runtime}
    code = compile(ast.fix_missing_locations(tree), inspect.getfile(function), "exec")
    exec(code, scope)  # nothing but the project's own source
    return scope[definition.name]


class _Rewriter:
    """One function. `_value` gives each expression its form and its type."""

    def __init__(self, definition: ast.FunctionDef, outside: dict) -> None:
        self._definition = definition
        self._outside = outside
        self._types: dict[str, str] = {}
        self._result = ast.unparse(definition.returns) if definition.returns else "object"
        bound = [n for n in ast.walk(definition) if isinstance(n, ast.Name)]
        self._bound = {node.id for node in bound if isinstance(node.ctx, ast.Store)}

    def rewritten(self) -> ast.FunctionDef:
        definition = self._definition
        prologue = self._arguments()
        body = [*prologue, *self._block(definition.body)]
        for argument in definition.args.args:
            argument.annotation = None
        made = ast.FunctionDef(definition.name, definition.args, body, [])
        return ast.copy_location(made, definition)

    def _arguments(self) -> list[ast.stmt]:
        pointers: list[str] = []
        lines: list[str] = []
        for argument in self._definition.args.args:
            name = argument.arg
            kind = ast.unparse(argument.annotation) if argument.annotation else "object"
            self._types[name] = kind
            if kind in _POINTERS:
                lines.append(f"{name}_at = _v_start({len(pointers)})")
                lines.append(f"{name} = _v_view(_v_memory, {name}_at, {kind!r})")
                pointers.append(name)
            elif kind in _NUMBERS:
                lines.append(f"{name} = int({name})")
        return ast.parse("\n".join([f"_v_memory = _v_regions({', '.join(pointers)})", *lines])).body

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for node in body:
            made = self._statement(node)
            for statement in made:
                ast.copy_location(statement, node)
            found += made
        return found

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        if isinstance(node, ast.Assign):
            return self._assign(node, node.targets, node.value)
        if isinstance(node, ast.AugAssign):
            left = ast.parse(ast.unparse(node.target), mode="eval").body
            value = ast.copy_location(ast.BinOp(left, node.op, node.value), node)
            return self._assign(node, [node.target], value)
        if isinstance(node, ast.If):
            otherwise = self._block(node.orelse)
            return [ast.If(self._condition(node.test), self._block(node.body), otherwise)]
        if isinstance(node, ast.While) and not node.orelse:
            return [ast.While(self._condition(node.test), self._block(node.body), [])]
        if isinstance(node, ast.For) and not node.orelse:
            return [self._for(node)]
        if isinstance(node, ast.Return):
            return [self._return(node)]
        if isinstance(node, ast.Expr):
            return [ast.Expr(self._value(node.value)[0])]
        if isinstance(node, ast.Pass | ast.Break | ast.Continue | ast.Raise):
            return [node]
        raise self._error(node, "is no statement for viper")

    def _assign(self, node: ast.AST, targets: list[ast.expr], value: ast.expr) -> list[ast.stmt]:
        if len(targets) != 1:
            raise self._error(node, "assigns to several targets")
        target = targets[0]
        if isinstance(target, ast.Subscript):
            base, kind = self._base(target.value)
            stored = self._number(value)
            mask = _STORE_MASKS.get(kind)
            masked = ast.BinOp(stored[0], ast.BitAnd(), ast.Constant(mask))
            place = ast.Subscript(base, self._index(target.slice), ast.Store())
            return [ast.Assign([place], masked if mask else _wrapped(stored[0], "int"))]
        if not isinstance(target, ast.Name):
            raise self._error(node, "assigns to what is no name")
        return self._bind(target, value)

    def _base(self, node: ast.expr) -> tuple[ast.expr, str]:
        """What a store is relative to: a pointer's name, or a pointer made on the spot."""
        if not isinstance(node, ast.Call):
            return node, self._pointer(node)
        address, kind = self._value(node)
        if kind not in _POINTERS:
            raise self._error(node, "stores to what is no pointer")
        view = ast.parse(f"_v_view(_v_memory, 0, {kind!r})", mode="eval").body
        if isinstance(view, ast.Call):
            view.args[1] = address
        return view, kind

    def _bind(self, target: ast.Name, value: ast.expr) -> list[ast.stmt]:
        form, kind = self._value(value)
        if self._types.setdefault(target.id, kind) != kind:
            raise self._error(target, f"is a {self._types[target.id]} and becomes a {kind}")
        if kind in _POINTERS:
            address = ast.Name(f"{target.id}_at", ast.Store())
            made = f"_v_view(_v_memory, {target.id}_at, {kind!r})"
            return [
                ast.Assign([address], form),
                ast.Assign([target], ast.parse(made, mode="eval").body),
            ]
        if kind in _NUMBERS and _grows(target.id, value):
            form = _wrapped(form, kind)
        return [ast.Assign([target], form)]

    def _for(self, node: ast.For) -> ast.stmt:
        call = node.iter
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "range"):
            raise self._error(node, "loops over what is no range")
        if not isinstance(node.target, ast.Name):
            raise self._error(node, "has no name for what it counts")
        bounds = [_wrapped(self._number(bound)[0], "int") for bound in call.args]
        self._types.setdefault(node.target.id, "int")
        again = ast.Call(ast.Name("range", ast.Load()), bounds, [])
        return ast.For(node.target, again, self._block(node.body), [])

    def _return(self, node: ast.Return) -> ast.stmt:
        if node.value is None:
            return node
        form, kind = self._value(node.value)
        if kind != self._result and "object" in (kind, self._result) and kind != "bool":
            raise self._error(node, f"returns {kind} instead of {self._result}")
        return ast.Return(_wrapped(form, kind) if kind in _NUMBERS else form)

    def _condition(self, node: ast.expr) -> ast.expr:
        form, kind = self._value(node)
        return _wrapped(form, kind) if kind in _NUMBERS else form

    def _number(self, node: ast.expr) -> tuple[ast.expr, str]:
        form, kind = self._value(node)
        if kind not in (*_NUMBERS, "bool"):
            raise self._error(node, f"is a {kind} where viper needs a number")
        return form, "int" if kind == "bool" else kind

    def _pointer(self, node: ast.expr) -> str:
        kind = self._types.get(node.id, "") if isinstance(node, ast.Name) else ""
        if kind not in _POINTERS:
            raise self._error(node, "is no pointer")
        return kind

    def _index(self, node: ast.expr) -> ast.expr:
        form, kind = self._number(node)
        if isinstance(node, ast.Constant):
            if node.value not in range(_REACH):
                raise self._error(node, "reaches too far: Xtensa's emitter gets it wrong")
            return form
        return ast.Call(ast.Name("_v_at", ast.Load()), [_wrapped(form, kind)], [])

    def _value(self, node: ast.expr) -> tuple[ast.expr, str]:
        """The expression as CPython is to evaluate it, and its type; of a pointer the address."""
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.Not):
                return ast.UnaryOp(node.op, self._condition(node.operand)), "bool"
            form, kind = self._number(node.operand)
            return ast.UnaryOp(node.op, form), kind
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._compare(node), "bool"
        if isinstance(node, ast.BoolOp):
            return ast.BoolOp(node.op, [self._condition(value) for value in node.values]), "bool"
        if isinstance(node, ast.Subscript):
            self._pointer(node.value)
            return ast.Subscript(node.value, self._index(node.slice), ast.Load()), "int"
        if isinstance(node, ast.Call):
            return self._call(node)
        raise self._error(node, "is no expression for viper")

    def _constant(self, node: ast.Constant) -> tuple[ast.expr, str]:
        if isinstance(node.value, bool):
            return node, "bool"
        if not isinstance(node.value, int):
            return node, "object"
        if node.value >= _SMALL:
            raise self._error(node, "is an object in viper, as it has more than 30 bits")
        return node, "int"

    def _name(self, node: ast.Name) -> tuple[ast.expr, str]:
        kind = self._types.get(node.id)
        if kind in _POINTERS:
            return ast.Name(f"{node.id}_at", ast.Load()), kind
        if kind:
            return node, kind
        if node.id in self._bound:
            raise self._error(node, "is used before it is bound")
        value = self._outside.get(node.id)
        if node.id.startswith("_") and isinstance(value, int):
            return self._constant(ast.copy_location(ast.Constant(value), node))
        return node, "object"

    def _operation(self, node: ast.BinOp) -> tuple[ast.expr, str]:
        left, kind = self._number(node.left)
        right, right_kind = self._number(node.right)
        if isinstance(node.op, _HOMOMORPHIC):
            return ast.BinOp(left, node.op, right), kind
        if isinstance(node.op, ast.LShift | ast.RShift):
            if not isinstance(node.right, ast.Constant):
                bits = _wrapped(right, right_kind)
                right = ast.Call(ast.Name("_v_by", ast.Load()), [bits], [])
            elif node.right.value not in range(32):
                raise self._error(node, "shifts by more than a word has")
            if isinstance(node.op, ast.RShift):
                left = _wrapped(left, kind)
            return ast.BinOp(left, node.op, right), kind
        if isinstance(node.op, ast.FloorDiv | ast.Mod) and kind == right_kind == "int":
            return ast.BinOp(_wrapped(left, kind), node.op, _wrapped(right, kind)), kind
        raise self._error(node, "is no operation for viper")

    def _compare(self, node: ast.Compare) -> ast.expr:
        left, kind = self._value(node.left)
        right, _ = self._value(node.comparators[0])
        if kind in _NUMBERS:
            left, right = _wrapped(left, kind), _wrapped(right, kind)
        return ast.Compare(left, node.ops, [right])

    def _call(self, node: ast.Call) -> tuple[ast.expr, str]:
        """A cast between numbers, addresses and pointers, else a call that gives an object."""
        name = ast.unparse(node.func)
        given = [self._value(argument) for argument in node.args]
        if name in (*_NUMBERS, *_POINTERS) and len(given) == 1:
            form, kind = given[0]
            if kind == "object":
                form = ast.Call(ast.Name("int", ast.Load()), [form], [])
            return (_wrapped(form, "int") if name in _POINTERS else form), name
        if node.keywords or any(kind in _POINTERS for _, kind in given):
            raise self._error(node, "is no call for viper")
        forms = [_wrapped(form, kind) if kind in _NUMBERS else form for form, kind in given]
        return ast.Call(node.func, forms, []), "object"

    def _error(self, node: ast.AST, what: str) -> SyntaxError:
        line = getattr(node, "lineno", 0)
        return SyntaxError(f"{self._definition.name}, line {line}: {ast.unparse(node)!r} {what}")


def _wrapped(form: ast.expr, kind: str) -> ast.expr:
    """The number in the range of its type."""
    if isinstance(form, ast.Constant | ast.Subscript) and kind == "int":
        return form  # in range already: constants are small, loads are checked by the view
    if kind == "uint":
        return ast.BinOp(form, ast.BitAnd(), ast.Constant(0xFFFFFFFF))
    shifted = ast.BinOp(form, ast.Add(), ast.Constant(1 << 31))
    masked = ast.BinOp(shifted, ast.BitAnd(), ast.Constant(0xFFFFFFFF))
    return ast.BinOp(masked, ast.Sub(), ast.Constant(1 << 31))


def _grows(name: str, value: ast.expr) -> bool:
    """Whether a variable would grow by being multiplied or shifted time and again."""
    return any(
        isinstance(part, ast.Name) and part.id == name
        for node in ast.walk(value)
        if isinstance(node, ast.BinOp) and isinstance(node.op, _GROWING)
        for part in ast.walk(node)
    )
