"""Reads the shapes that a function's comments promise, and watches those that it really makes.

A comment such as `# 16×96×128   32×48×64` at the end of a statement, or in a line of its own after
it, lists the shapes of what the statement assigns, appends or returns, without N, one after the
other where it is in a loop or makes a list. Beside `def` it lists those of the arguments.
"""

import ast
import inspect
import io
import re
import sys
import textwrap
import tokenize
from collections.abc import Callable
from dataclasses import dataclass, field

SHAPE = re.compile(r"(\d+|classes)×(\d+|classes)×(\d+|classes)")


@dataclass(eq=False)
class Statement:
    lines: range
    value: Callable[[dict, object], object]
    """What it makes, of the local names and of what the function returns."""
    written: list[tuple[int, ...]] = field(default_factory=list)
    seen: list = field(default_factory=list)


def watch(functions: list[Callable], run: Callable[[], object], classes: int = 13) -> list:
    """Runs `run()` and gives the statements of `functions` that have a comment with shapes.

    Their `seen` are tensors, symbolic ones in Keras.
    """
    known = {function.__code__: _statements(function, classes) for function in functions}

    def trace(frame, event, argument):
        if frame.f_code not in known:
            return None
        first, *rest = known[frame.f_code]
        first.seen += _tensors(first.value(frame.f_locals, None))
        here = first

        def step(frame, event, argument):
            nonlocal here
            if event == "return" or frame.f_lineno not in here.lines:
                if here is not first:
                    here.seen += _tensors(here.value(frame.f_locals, argument))
                inside = (statement for statement in rest if frame.f_lineno in statement.lines)
                here = next(inside, first)
            return step

        return step

    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(None)
    return [s for statements in known.values() for s in statements if s.written]


def _statements(function: Callable, classes: int) -> list[Statement]:
    """The head of the function, and what it assigns, appends or returns."""
    lines, first = inspect.getsourcelines(function)
    text = textwrap.dedent("".join(lines))
    (tree,) = ast.parse(text).body
    body = tree.body[1:] if ast.get_docstring(tree) else tree.body
    names = [argument.arg for argument in tree.args.args]
    head = range(first, first + body[0].lineno - 1)
    statements = [Statement(head, lambda local, _: [local[name] for name in names])]
    for node in ast.walk(ast.Module(body, [])):
        if value := _value(node):
            span = range(first + node.lineno - 1, first + node.end_lineno)
            statements.append(Statement(span, value))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        shapes = SHAPE.findall(token.string) if token.type == tokenize.COMMENT else []
        if shapes:
            line = first + token.start[0] - 1
            before = [s for s in statements if s.lines.start <= line]
            owner = max(before, key=lambda s: s.lines.start)
            owner.written += [
                tuple(classes if side == "classes" else int(side) for side in shape)
                for shape in shapes
            ]
    return statements


def _value(node: ast.AST) -> Callable | None:
    match node:
        case ast.Return():
            return lambda _, returned: returned
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AugAssign(target=ast.Name(id=name)):
            return lambda local, _: local[name]
        case ast.Expr(ast.Call(func=ast.Attribute(ast.Name(id=name), "append"))):
            return lambda local, _: local[name][-1]
    return None


def _tensors(value) -> list:
    if isinstance(value, list | tuple):
        return [tensor for part in value for tensor in _tensors(part)]
    return [value] if hasattr(value, "shape") else []
