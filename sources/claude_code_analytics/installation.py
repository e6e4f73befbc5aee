"""The command that installs a missing package, from where this one was installed (PEP 610)."""

from __future__ import annotations

import json
from importlib import metadata
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .constants import DISTRIBUTION


def install_command(requirement: str, extra: str = "") -> str:
    """Returns the command for a requirement, by way of this package's extra if it has one.

    Where `dlt init` copied the source alone, there is no package with extras.
    """
    try:
        origin = metadata.distribution(DISTRIBUTION).read_text("direct_url.json") if extra else None
    except metadata.PackageNotFoundError:
        extra, origin = "", None
    if not extra:
        return f"pip install '{requirement}'"
    return _from(json.loads(origin), extra) if origin else f"pip install '{DISTRIBUTION}[{extra}]'"


def _from(origin: dict[str, dict[str, object] | str], extra: str) -> str:
    url, folder, repository = (origin.get(key) for key in ("url", "dir_info", "vcs_info"))
    if isinstance(folder, dict):
        editable = "--editable " if folder.get("editable") else ""
        return f"pip install {editable}'{url2pathname(urlsplit(str(url)).path)}[{extra}]'"
    prefix = f"{repository['vcs']}+" if isinstance(repository, dict) else ""
    return f"pip install '{DISTRIBUTION}[{extra}] @ {prefix}{url}'"
