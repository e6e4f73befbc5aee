"""The command line: one module for each command, loaded when that command runs.

A command's module imports click at its top and its work inside the function. It is the one exception to the rule
against such imports: dlt and the drivers take half a second, which `--help` and a mistyped option should not.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from claude_code_analytics.constants import DISTRIBUTION

from ..defaults import PROGRAM
from ..exit_codes import DONE, INCOMPLETE, MISTAKE
from .epilogs import EPILOGS, PROGRAM_EPILOG


class _Commands(click.Group):
    """A group whose commands are modules; a mistake in the arguments is one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(EPILOGS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in EPILOGS:
            return None
        command: click.Command = import_module(f".{cmd_name}", __name__).command
        command.epilog = str(EPILOGS[cmd_name])
        return command

    def main(self, *arguments: Any, **options: Any) -> NoReturn:
        """Runs a command, and raises SystemExit with its exit code."""
        try:
            code = super().main(*arguments, **{**options, "standalone_mode": False})
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else PROGRAM
            click.echo(f"error: {error.format_message()} (see {command} --help)", err=True)
            code = MISTAKE
        except OSError as error:  # standard output, of the help
            click.echo(f"error: standard output cannot be written: {error.strerror}", err=True)
            code = INCOMPLETE
        sys.exit(code or DONE)


@click.group(
    PROGRAM,
    cls=_Commands,
    epilog=str(PROGRAM_EPILOG),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80, "show_default": True},
)
@click.version_option(package_name=DISTRIBUTION, prog_name=PROGRAM)
@click.pass_context
def commands(context: click.Context) -> None:
    """Load an organization's Claude Code analytics into a warehouse, day by day."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
