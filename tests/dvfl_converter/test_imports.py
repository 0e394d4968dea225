"""Imports: light where they must be, and in one direction."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = {
    "dvfl": REPOSITORY / "python_sdk" / "dvfl",
    "dvfl_converter": REPOSITORY / "converter" / "dvfl_converter",
    "dvfl_training": REPOSITORY / "training" / "dvfl_training",
}
RUNTIMES = {
    "executorch",
    "torchao",
    "coremltools",
    "litert_torch",
    "ai_edge_litert",
    "ai_edge_quantizer",
    "tensorflow",
    "jax",
}
COMMANDS = [
    "dvfl_converter",
    *(
        f"dvfl_converter.cli.{name}"
        for name in ("convert", "check", "verify", "bench", "report", "runtimes", "device")
    ),
]


def loaded_by(*modules: str) -> set[str]:
    """Top-level packages in ``sys.modules`` after the imports, in a fresh interpreter."""
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_the_commands_import_neither_torch_nor_a_runtime():
    heavy = loaded_by(*COMMANDS) & (RUNTIMES | {"torch", "av", "jinja2", "rich"})
    assert heavy == set()


@pytest.mark.parametrize(
    "module",
    [
        "dvfl_converter.targets.registry",
        "dvfl_converter.plan",
        "dvfl_converter.pipeline",
        "dvfl_converter.verification",
    ],
)
def test_no_runtime_is_imported_before_its_target_is_asked_for(module):
    assert loaded_by(module) & RUNTIMES == set()


def test_the_registry_needs_no_torch():
    assert "torch" not in loaded_by("dvfl_converter.targets.registry")


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("dvfl", {"dvfl_converter", "dvfl_training"}),
        ("dvfl_converter", {"dvfl_training"}),
        ("dvfl_training", {"dvfl_converter"}),
    ],
)
def test_imports_go_one_way(package, forbidden):
    files = sorted(PACKAGES[package].rglob("*.py"))
    assert files
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{line} imports {name}"
        for path in files
        for line, name in imports_of(path)
        if name.partition(".")[0] in forbidden
    ]
    assert wrong == []


@pytest.mark.parametrize("target", ["executorch", "coreml", "litert"])
def test_a_target_imports_no_other_targets_runtime(target):
    own = {
        "executorch": {"executorch", "torchao"},
        "coreml": {"coremltools"},
        "litert": {"litert_torch", "ai_edge_litert", "ai_edge_quantizer"},
    }[target]
    folder = PACKAGES["dvfl_converter"] / "targets" / target
    wrong = [
        f"{path.name}:{line} imports {name}"
        for path in sorted(folder.glob("*.py"))
        for line, name in imports_of(path)
        if name.partition(".")[0] in RUNTIMES - own
        or (name.startswith("dvfl_converter.targets.") and name.split(".")[2] not in {target, "base"})
    ]
    assert wrong == []


def imports_of(path: Path):
    """Line and absolute name of every import of a file, the nested ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import"
            yield node.lineno, node.module or ""


def test_the_scan_sees_nested_imports(tmp_path):
    (tmp_path / "module.py").write_text(
        "import a.b\ndef f():\n    from c.d import e\nif TYPE_CHECKING:\n    import g as h\n"
    )
    assert [name for _, name in imports_of(tmp_path / "module.py")] == ["a.b", "c.d", "g"]
