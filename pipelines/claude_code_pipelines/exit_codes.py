"""Exit codes of the commands (public contract), and the rule that maps an error to one."""

from __future__ import annotations

from claude_code_analytics import ConfigurationError, CredentialRefused

DONE = 0
INCOMPLETE = 1
MISTAKE = 2


def is_mistake(error: BaseException) -> bool:
    """Returns whether the user can correct what failed: an argument, a setting, a credential, a file."""
    return isinstance(error, (ConfigurationError, CredentialRefused, OSError))


def exit_code(error: BaseException, *, has_committed: bool) -> int:
    """Returns the exit code for an error; after days were committed the load is incomplete, whatever failed."""
    return MISTAKE if is_mistake(error) and not has_committed else INCOMPLETE
