"""Ends of the help texts: examples, environment variables and exit codes of each command."""

from __future__ import annotations

from dataclasses import dataclass

from ..defaults import PROGRAM
from ..exit_codes import DONE, INCOMPLETE, MISTAKE
from .settings import variable

_MISTAKE = "a mistake in arguments, settings or credentials; nothing was committed"
_NOTHING_LOADED = "a mistake in arguments or settings, or nothing is loaded"
_INCOMPLETE = "the load is incomplete; what was committed stays"
_FAILED = "the warehouse failed, or the output could not be written"

_CREDENTIAL = {
    "ANTHROPIC_ADMIN_KEY": "credential, unless dlt's configuration has one",
    variable("api_key"): "credential",
    variable("access_token"): "OAuth token, instead of a key",
    "HTTPS_PROXY": "proxy for requests to the API",
}
_SETTINGS = {
    variable("identity_key"): "key of --actor-identity hash",
    variable("lookback_days"): "a setting; others likewise",
}
_WAREHOUSE = {
    "DESTINATION__POSTGRES__CREDENTIALS": "its address; likewise other destinations",
    "DLT_DATA_DIR": "folder of dlt's working files, instead of ~/.dlt",
}
_OUTPUT = {"COLUMNS": "width of the output"}
_FILES = "Names with __ can also be set in .dlt/secrets.toml or .dlt/config.toml."


@dataclass(frozen=True)
class Epilog:
    examples: tuple[str, ...]
    variables: dict[str, str]
    incomplete: str
    mistake: str

    def __str__(self) -> str:
        codes = {DONE: "done", INCOMPLETE: self.incomplete, MISTAKE: self.mistake}
        parts = {
            "Examples:": [f"{PROGRAM} {example}".strip() for example in self.examples],
            "Environment:": [*(f"{name}: {meaning}" for name, meaning in self.variables.items()), _FILES],
            "Exit codes:": [f"{code}  {meaning}" for code, meaning in codes.items()],
        }
        # \b keeps click from joining the lines of a paragraph
        return "\n\n".join("\n".join(["\b", title, *(f"  {line}" for line in lines)]) for title, lines in parts.items())


# In the order of the help; each is a module of this package.
EPILOGS = {
    "demo": Epilog(
        ("demo", "demo --report", "demo --missing 2026-11-03"), _WAREHOUSE, incomplete=_INCOMPLETE, mistake=_MISTAKE
    ),
    "check": Epilog(
        ("check", "check --base-url https://gateway.example.com"),
        _CREDENTIAL,
        incomplete="the API failed",
        mistake="the credential was refused, or a mistake in arguments or settings",
    ),
    "load": Epilog(
        ("load", "load --start 2026-01-01 --views", "load --destination bigquery --progress plain"),
        _CREDENTIAL | _SETTINGS | _WAREHOUSE,
        incomplete=_INCOMPLETE,
        mistake=_MISTAKE,
    ),
    "backfill": Epilog(
        ("backfill --start 2026-06-01 --end 2026-06-30",),
        _CREDENTIAL | _SETTINGS | _WAREHOUSE,
        incomplete=_INCOMPLETE,
        mistake=_MISTAKE,
    ),
    "status": Epilog(
        ("status", "status --fail-on-gap", "status --json"),
        _WAREHOUSE,
        incomplete="the warehouse failed; with --fail-on-gap also a gap",
        mistake=_NOTHING_LOADED,
    ),
    "views": Epilog(
        ("views", "views --print --destination snowflake"), _WAREHOUSE, incomplete=_FAILED, mistake=_NOTHING_LOADED
    ),
    "summary": Epilog(
        ("summary", "summary --month 2026-10 --by team --team-map teams.csv", "summary --by model,month --csv"),
        _WAREHOUSE | _OUTPUT,
        incomplete=_FAILED,
        mistake=_NOTHING_LOADED,
    ),
    "report": Epilog(
        ("report --open", "report --month 2026-10 --output october.html"),
        _WAREHOUSE,
        incomplete=_FAILED,
        mistake=_NOTHING_LOADED,
    ),
}
PROGRAM_EPILOG = Epilog(
    tuple(each.examples[0] for each in EPILOGS.values()),
    _CREDENTIAL | _SETTINGS | _WAREHOUSE,
    incomplete=_INCOMPLETE,
    mistake=_MISTAKE,
)
