"""Modules of the extra `report`: large, and needed by nothing else."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from claude_code_analytics import ConfigurationError
from claude_code_analytics.constants import DISTRIBUTION

# By module, its package.
_PACKAGES = {"vl_convert": "vl-convert", "xlsxwriter": "XlsxWriter"}


def extra(module: str) -> Any:
    """Imports a module of the extra.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise ConfigurationError(
            f"the report needs {_PACKAGES[module]}: pip install '{DISTRIBUTION}[report]', or in a clone "
            "pip install --editable '.[report]'"
        ) from None
