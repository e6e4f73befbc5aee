"""A dlt source that loads an organization's Claude Code analytics (Anthropic Admin API) day by day, exactly.

Everything outside `__all__` is internal, also the eleven modules that the pipelines of this distribution use.

Names are imported when they are first used, so that constants and errors can be used without dlt.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.client import AnalyticsClient
    from .exceptions import (
        ApiError,
        ApiUnavailable,
        ClaudeCodeAnalyticsError,
        ConfigurationError,
        CredentialRefused,
        DestinationError,
        RequestRefused,
        UndecodableDay,
        UnexpectedResponse,
    )
    from .source import claude_code_analytics

__all__ = [
    "AnalyticsClient",
    "ApiError",
    "ApiUnavailable",
    "ClaudeCodeAnalyticsError",
    "ConfigurationError",
    "CredentialRefused",
    "DestinationError",
    "RequestRefused",
    "UndecodableDay",
    "UnexpectedResponse",
    "claude_code_analytics",
]

# The errors are in `exceptions`.
_MODULES = {"AnalyticsClient": "api.client", "claude_code_analytics": "source"}


def __getattr__(name: str) -> Any:
    """Imports a public name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES.get(name, 'exceptions')}", __name__), name)


def __dir__() -> list[str]:
    """Lists the public names too, imported or not."""
    return sorted({*globals(), *__all__})
