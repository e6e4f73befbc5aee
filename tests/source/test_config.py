"""Parameters: one list of names and defaults, dlt's configuration, credentials, and days as people write them."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

import claude_code_analytics as package
from claude_code_analytics import ClaudeCodeAnalyticsError, ConfigurationError, claude_code_analytics
from claude_code_analytics.config import SourceConfig, resolve_config
from claude_code_simulator import record, utc_now
from support.days import MONDAY, TUESDAY
from support.refusals import refused
from support.world import World

SECTION = "SOURCES__CLAUDE_CODE_ANALYTICS__"
PARAMETERS = {
    name: parameter.default
    for name, parameter in inspect.signature(claude_code_analytics).parameters.items()
    if name not in ("client", "config")
}

# By parameter, a text as it may come from the environment, and what it means.
SETTINGS: dict[str, tuple[str, Any]] = {
    "api_key": ("sk-ant-admin01-x", "sk-ant-admin01-x"),
    "access_token": ("a-token", "a-token"),
    "start_date": ("2026-09-14", MONDAY),
    "end_date": ("2026-09-15", TUESDAY),
    "lookback_days": ("3", 3),
    "include_today": ("false", False),
    "max_days": ("5", 5),
    "max_concurrent_days": ("2", 2),
    "actor_identity": ("hash", "hash"),
    "identity_key": ("a long random text", "a long random text"),
    "organization_id": ("5a3f1c0d", "5a3f1c0d"),
    "base_url": ("https://proxy.example.test", "https://proxy.example.test"),
}


@pytest.fixture
def write_config(tmp_path: Path) -> Callable[..., None]:
    """Writes lines of the source's section into dlt's `config.toml` or `secrets.toml`."""

    def write(*lines: str, file: str = "config.toml") -> None:
        folder = tmp_path / ".dlt"
        folder.mkdir(exist_ok=True)
        (folder / file).write_text("\n".join(["[sources.claude_code_analytics]", *lines]))
        Container()[PluggableRunContext].reload_providers()

    return write


# Names and defaults


def test_signature_and_configuration_have_the_same_parameters_and_defaults() -> None:
    config = SourceConfig()
    assert list(PARAMETERS) == [name for name in SourceConfig.get_resolvable_fields() if name in PARAMETERS]
    assert set(PARAMETERS) == set(SETTINGS) | {"include"}
    for name, default in PARAMETERS.items():
        assert (getattr(config, name) or None) == (default or None), name


def test_the_source_obeys_dlts_configuration(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("start_date", "end_date", "actor_identity", "identity_key"):
        monkeypatch.setenv(SECTION + name.upper(), SETTINGS[name][0])
    world.write(MONDAY, record(MONDAY))
    world.pipeline.run(claude_code_analytics(client=world.client()))
    assert world.days_requested() == [MONDAY, TUESDAY]
    assert len(world.column("actor__email_address")[0]) == 64
    world.api.requests.clear()
    world.pipeline.run(claude_code_analytics(client=world.client(), end_date="2026-09-14"))  # an argument wins
    assert world.days_requested() == [MONDAY]


def test_an_organization_is_named_without_blanks_around_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_config().organization_id is None
    monkeypatch.setenv(SECTION + "ORGANIZATION_ID", " 5a3f1c0d ")
    assert resolve_config().organization_id == "5a3f1c0d"


# Credentials


@pytest.fixture
def real_client(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Lets the client that the source makes of its parameters reach the simulated API."""
    build = httpx.Client
    world.api.date_clock = utc_now  # the client is made from the configuration, with the machine's clock
    monkeypatch.setattr(httpx, "Client", lambda **options: build(**{**options, "transport": world.api.transport}))


@pytest.mark.usefixtures("real_client")
@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("ANTHROPIC_ADMIN_KEY", "admin_key"),
        (SECTION + "API_KEY", "service_key"),
        (SECTION + "ACCESS_TOKEN", "oauth_token"),
    ],
)
def test_a_credential_comes_from_dlts_secrets_or_the_environment_and_stays_there(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: Any, variable: str, kind: str
) -> None:
    credential = getattr(world.api.credentials, kind)
    monkeypatch.setenv(variable, credential + "\n")
    world.pipeline.run(claude_code_analytics(start_date="2025-09-19", end_date="2025-09-20"))
    assert {request.status for request in world.api.requests} == {200}
    assert ("authorization" in world.api.requests[-1].headers) is (kind == "oauth_token")
    assert all(credential.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert credential not in caplog.text


@pytest.mark.usefixtures("real_client")
@pytest.mark.parametrize("secret", ["the key", "<configure me>"])
def test_a_dlt_secret_wins_over_the_environment_unless_it_is_the_placeholder_of_dlt_init(
    world: World, monkeypatch: pytest.MonkeyPatch, write_config: Callable[..., None], secret: str
) -> None:
    key = world.api.credentials.admin_key
    placeholders = [f'{name} = "<configure me>"' for name in ("access_token", "identity_key")]
    write_config(f'api_key = "{secret.replace("the key", key)}"', *placeholders, file="secrets.toml")
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", "sk-wrong" if secret == "the key" else key)
    world.pipeline.extract(claude_code_analytics(start_date="2025-09-19", end_date="2025-09-20"))
    assert {request.status for request in world.api.requests} == {200}


def test_without_a_credential_a_run_says_where_to_put_one(world: World) -> None:
    with refused(ConfigurationError, match=r"no credential: set the dlt secret sources.claude_code_analytics.api_key"):
        world.pipeline.run(claude_code_analytics())


# Values that cannot work


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"start_date": TUESDAY, "end_date": MONDAY}, "end_date 2026-09-14 is before start_date 2026-09-15"),
        ({"start_date": "yesterday"}, "start_date is 'yesterday'; it must be a day such as 2025-01-31"),
        ({"lookback_days": -1}, "lookback_days is -1; it must be a whole number, 0 or more"),
        ({"lookback_days": 1.5}, "lookback_days is 1.5; it must be a whole number"),
        ({"max_days": 0}, "max_days is 0; it must be a whole number, 1 or more"),
        ({"max_concurrent_days": 0}, "max_concurrent_days is 0; it must be a whole number, 1 or more"),
        ({"actor_identity": "scramble"}, "actor_identity is 'scramble'; it must be one of keep, hash, drop"),
        ({"organization_id": " "}, "organization_id is ' '; it must be the id of an organization, on one line"),
        ({"organization_id": "a\nb"}, "organization_id is 'a.nb'; it must be the id of an organization"),
        ({"base_url": "https://proxy.test/?key=geheim"}, "must not contain a user name, a password or a query"),
        ({"base_url": "https://me:geheim@proxy.test"}, "base_url must not contain a user name"),
        ({"include": ["costs"]}, "include is not supported yet"),
        ({"lookback_days": None}, "lookback_days is None; it must be a whole number, 0 or more"),
        ({"max_concurrent_days": None}, "max_concurrent_days is None; it must be a whole number, 1 or more"),
        ({"include_today": None}, "include_today is of type NoneType; it must be of type bool"),
        ({"actor_identity": None}, "actor_identity is of type NoneType; it must be of type str"),
        ({"base_url": None}, "base_url is of type NoneType; it must be of type str"),
        ({"api_key": 5}, "api_key is of type int; it must be of type str or None"),
        ({"organization_id": b"org"}, "organization_id is of type bytes; it must be of type str or None"),
        ({"client": "sk-ant"}, "client is of type str; it must be of type AnalyticsClient or None"),
    ],
)
def test_a_parameter_that_cannot_work_is_refused_while_the_source_is_built(
    world: World, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        world.source(**arguments)


# Days as people, orchestrators and files write them


@pytest.mark.parametrize(
    "line",
    [
        "start_date = 2026-09-19",
        "start_date = 2026-09-19T10:00:00Z",
        "start_date = 2026-09-19T10:00:00",
        "start_date = '2026-09-19'",
    ],
)
def test_a_day_in_a_toml_file_is_a_date(write_config: Callable[..., None], line: str) -> None:
    write_config(line)
    found = resolve_config().start_date
    assert (type(found), found) == (dt.date, dt.date(2026, 9, 19))


def test_the_package_exports_its_promises() -> None:
    assert sorted(package.__all__) == package.__all__
    exported = [getattr(package, name) for name in package.__all__]
    errors = [each for each in exported if isinstance(each, type) and issubclass(each, Exception)]
    assert len(errors) == 9
    assert all(issubclass(error, ClaudeCodeAnalyticsError) for error in errors)
    assert issubclass(ConfigurationError, ValueError)
