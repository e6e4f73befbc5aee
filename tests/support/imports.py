"""The modules of a package and what each of them imports, read from the source."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "claude_code_analytics": ROOT / "sources",
    "claude_code_pipelines": ROOT / "pipelines",
    "claude_code_simulator": ROOT / "pipelines",
}


def imports_of(package: str) -> dict[str, set[str]]:
    """Returns, by module, the names that it imports anywhere in its text: modules, and names that may be modules."""
    found = {}
    for path in (FOLDERS[package] / package).rglob("*.py"):
        parts = path.relative_to(FOLDERS[package]).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        found[module] = _imports(ast.parse(path.read_text()), module if parts[-1] == "__init__" else _parent(module))
    return found


def third_party(package: str, standard: frozenset[str]) -> set[str]:
    """Returns the packages beyond the standard library that a package imports, its own parts left out."""
    names = {name.partition(".")[0] for found in imports_of(package).values() for name in found}
    return names - standard - {package}


def _imports(tree: ast.Module, package: str) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package
            for _ in range(node.level - 1):
                start = _parent(start)
            source = ".".join(filter(None, (start if node.level else "", node.module)))
            found |= {source, *(f"{source}.{alias.name}" for alias in node.names)}
    return found


def _parent(module: str) -> str:
    return module.rpartition(".")[0]
