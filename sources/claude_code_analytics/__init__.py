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
