"""The command that installs a missing package, from where this one was installed (PEP 610)."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any
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


def _from(origin: dict[str, Any], extra: str) -> str:
    url: str = origin["url"]
    if "dir_info" in origin:
        editable = "--editable " if origin["dir_info"].get("editable") else ""
        return f"pip install {editable}'{url2pathname(urlsplit(url).path)}[{extra}]'"
    if "vcs_info" in origin:
        revision = origin["vcs_info"].get("requested_revision")
        url = f"{origin['vcs_info']['vcs']}+{url}" + (f"@{revision}" if revision else "")
    return f"pip install '{DISTRIBUTION}[{extra}] @ {url}'"
