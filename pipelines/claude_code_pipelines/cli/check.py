"""The command `check`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from .settings import with_settings

if TYPE_CHECKING:
    from claude_code_analytics import AnalyticsClient


@click.command("check")
@with_settings("base_url")
@click.pass_obj
def command(client: AnalyticsClient | None) -> None:
    """Call the API with your credential, and explain the response."""
    from claude_code_analytics.config import resolve_config

    from ..check import CHECKED_DAYS, check_credential
    from ..console import messages
    from .frame import print_lines, reported

    with reported():
        config = resolve_config()
        with nullcontext(client) if client else config.client() as connection:
            connection.require_credential()
            click.echo(f"calling {urlsplit(config.base_url).hostname} for the last {CHECKED_DAYS} days", err=True)
            print_lines(messages.checked(check_credential(connection)))
