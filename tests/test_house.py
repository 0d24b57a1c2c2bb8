"""Imports run downward only: benchmarks on agents on the environments, and these on images that know of no scene."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = {
    "glimpse_env/sources": ("glimpse_env.sources", "glimpse_env.kernel", "glimpse_env.random"),
    "glimpse_env": ("glimpse_env",),
    "agents": ("agents", "glimpse_env"),
    "benchmarks": ("benchmarks", "agents", "glimpse_env"),
}


def imported(module: Path) -> set[str]:
    """What of this repository a file imports by name, within functions too."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            packages = node.module in ("agents", "benchmarks", "glimpse_env", "glimpse_env.sources")
            names |= {f"{node.module}.{name.name}" for name in node.names} if packages else {node.module}
        elif isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
    return {name for name in names if name.split(".")[0] in ("agents", "benchmarks", "glimpse_env")}


@pytest.mark.parametrize("folder", LAYERS)
def test_imports_run_downward(folder: str) -> None:
    modules = sorted((ROOT / folder).rglob("*.py"))
    assert modules
    allowed = LAYERS[folder]
    upward = {
        f"{module.relative_to(ROOT)}: {name}"
        for module in modules
        for name in imported(module)
        if not any(name == part or name.startswith(f"{part}.") for part in allowed)
    }
    assert upward == set()
