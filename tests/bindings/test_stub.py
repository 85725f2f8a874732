"""The types that a checker reads are those of the compiled modules."""

from __future__ import annotations

import ast
import importlib
import inspect
from importlib import resources
from typing import Any

import pytest

from heron.scheduling import EventScheduler

Arguments = list[tuple[str, bool]]  # name, and whether it has a default


def arguments(function: ast.FunctionDef) -> Arguments:
    names = [argument.arg for argument in function.args.args]
    n_required = len(names) - len(function.args.defaults)
    return [(name, place >= n_required) for place, name in enumerate(names)]


def compiled_arguments(function: Any) -> Arguments:
    # pybind11 writes the signature into the first line of the docstring, as Python would have it.
    (parsed,) = ast.parse(f"def {inspect.getdoc(function).splitlines()[0]}: ...").body
    assert isinstance(parsed, ast.FunctionDef)
    return arguments(parsed)


def functions(package: str) -> list[tuple[Any, ast.FunctionDef]]:
    core = importlib.import_module(f"{package}._core")
    stub = ast.parse(resources.files(package).joinpath("_core.pyi").read_text(encoding="utf-8"))
    found = [(core, node) for node in stub.body if isinstance(node, ast.FunctionDef)]
    for owner in stub.body:
        # Event is made by hand, without signatures in its docstrings.
        if isinstance(owner, ast.ClassDef) and owner.name != "Event":
            inside = [node for node in owner.body if isinstance(node, ast.FunctionDef)]
            found += [(getattr(core, owner.name), node) for node in inside]
    return found


@pytest.mark.parametrize("package", ["heron", "powergrid"])
def test_functions_have_the_arguments_that_the_stub_says(package: str) -> None:
    checked = functions(package)
    assert checked
    for owner, node in checked:
        compiled = getattr(owner, node.name)
        if isinstance(compiled, property):
            assert [ast.unparse(decorator) for decorator in node.decorator_list] == ["property"]
        else:
            assert compiled_arguments(compiled) == arguments(node), f"{owner} {node.name}"


def test_the_stub_leaves_no_public_method_out() -> None:
    core = importlib.import_module("heron._core")
    stubbed = {(owner, node.name) for owner, node in functions("heron")}
    for owner in vars(core).values():
        if inspect.isclass(owner) and owner is not core.Event:
            public = {(owner, name) for name in vars(owner) if not name.startswith("_")}
            assert public
            assert public <= stubbed


def test_every_public_member_of_the_event_scheduler_says_what_it_does() -> None:
    for name, member in inspect.getmembers(EventScheduler):
        if not name.startswith("_"):
            text = inspect.getdoc(member) or ""
            if text.startswith(f"{name}("):  # the signature that pybind11 writes
                text = text.partition("\n")[2]
            assert text.strip(), name
