"""Loads an organization's Claude Code analytics (Anthropic Admin API) into a warehouse, day by day, exactly."""

from .api.client import AnalyticsClient
from .exceptions import (
    ApiError,
    ApiUnavailable,
    ClaudeCodeAnalyticsError,
    ConfigurationError,
    CredentialRefused,
    DestinationError,
    RequestRefused,
    UnexpectedAnswer,
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
    "UnexpectedAnswer",
    "claude_code_analytics",
]
