"""The typed stub of the native module says what the module has, no more and no less."""

from __future__ import annotations

import ast
from pathlib import Path

import palaestra
from palaestra import _palaestra

STUB = Path(palaestra.__file__).with_name("_palaestra.pyi")
Names = dict[str, set[str]]


def stub_names() -> Names:
    """Names of the stub: the module's own under "", those of each class under its name."""
    names: Names = {"": set()}
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ClassDef):
            names[""].add(node.name)
            names[node.name] = {
                item.name for item in node.body if isinstance(item, ast.FunctionDef)
            }
        elif isinstance(node, ast.FunctionDef):
            names[""].add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[""].add(node.target.id)
    return names


def module_names() -> Names:
    """The same of the module that was built."""
    public = {name for name in vars(_palaestra) if not name.startswith("__")}
    names: Names = {"": public | {"__version__"}}
    for name in public:
        member = getattr(_palaestra, name)
        if isinstance(member, type):
            names[name] = {
                item for item in vars(member) if not item.startswith(("__", "_pybind"))
            }
    return names


def without_special(names: set[str]) -> set[str]:
    """Leave out what Python gives to every class."""
    return {
        name for name in names if not name.startswith("__") or name == "__version__"
    }


def test_the_stub_is_complete() -> None:
    """Classes, their members, functions."""
    stub, module = stub_names(), module_names()
    assert stub.keys() == module.keys()
    for name in stub:
        assert without_special(stub[name]) == without_special(module[name]), name


def test_everything_public_has_a_docstring() -> None:
    """What ``from palaestra import *`` gives, and the public methods of its classes."""
    missing = []
    for name in palaestra.__all__:
        member = getattr(palaestra, name)
        if not callable(member) or name == "agent_names":
            continue
        if not member.__doc__:
            missing.append(name)
        if isinstance(member, type):
            for key, item in vars(member).items():
                if callable(item) and not key.startswith("_") and not item.__doc__:
                    missing.append(f"{name}.{key}")
    assert missing == []
