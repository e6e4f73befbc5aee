"""Refusals: of a run by this package, and of `organizations/me` by the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ClaudeCodeAnalyticsError
from claude_code_simulator import error_response


def refuse_organization(status: int = 403) -> Callable[[httpx.Request, int], httpx.Response | None]:
    """Builds a fault that refuses `organizations/me` and nothing else."""
    return lambda request, number: error_response(status, "not for you") if request.url.path.endswith("/me") else None


@contextmanager
def refused(kind: type[ClaudeCodeAnalyticsError], match: str | None = None) -> Iterator[Any]:
    """Expects a run to fail because of an error of this package, and dlt to pass its message on; yields that error."""
    with pytest.raises(PipelineStepFailed, match=match) as caught:
        yield caught
    chain: list[BaseException | None] = [caught.value]
    while chain[-1] is not None:
        chain.append(chain[-1].__cause__ or chain[-1].__context__)
    assert any(isinstance(error, kind) for error in chain), chain
