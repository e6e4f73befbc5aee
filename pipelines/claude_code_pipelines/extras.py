"""Modules of the distribution's extras, each needed by one part of it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from claude_code_analytics import ConfigurationError
from claude_code_analytics.installation import install_command

# By module: what needs it, its package, the extra.
_EXTRAS = {
    "dagster": ("claude_code_pipelines.dagster", "dagster", "dagster"),
    "vl_convert": ("the report", "vl-convert-python", "report"),
    "xlsxwriter": ("the report", "XlsxWriter", "report"),
}


def extra(module: str) -> Any:
    """Imports a module of an extra.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        user, package, name = _EXTRAS[module]
        raise ConfigurationError(f"{user} needs {package}: {install_command(package, name)}") from None
