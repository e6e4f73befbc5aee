"""Modules of the extra `report`: large, and needed by nothing else."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from claude_code_analytics import ConfigurationError
from claude_code_analytics.installation import install_command

# By module, its package.
_PACKAGES = {"vl_convert": "vl-convert-python", "xlsxwriter": "XlsxWriter"}


def extra(module: str) -> Any:
    """Imports a module of the extra.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise ConfigurationError(
            f"the report needs {_PACKAGES[module]}: {install_command(_PACKAGES[module], 'report')}"
        ) from None
