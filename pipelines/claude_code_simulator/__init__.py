"""A simulated Admin API with a sample organization behind it: no key, no network.

Written from the API's documentation alone, and importing nothing from the rest of the package, so that it
is a second reading of the contract and not a mirror of the client.

Example:
    >>> import datetime, httpx
    >>> api = SimulatedApi(SampleOrganization(developers=60))
    >>> client = httpx.Client(transport=api.transport, base_url="https://api.anthropic.com")
    >>> response = client.get(
    ...     "/v1/organizations/usage_report/claude_code",
    ...     params={"starting_at": "2025-09-01"},
    ...     headers={"x-api-key": api.credentials.admin_key, "anthropic-version": "2023-06-01"},
    ... )
    >>> len(response.json()["data"]), response.json()["has_more"]
    (20, True)
    >>> [(request.path, request.status) for request in api.requests]
    [('/v1/organizations/usage_report/claude_code', 200)]
"""

from .aggregation import EventOrganization
from .answers import Alteration, Fault, error_response
from .api import LoggedRequest, SimulatedApi, utc_now
from .catalogue import FAULTS, HARMLESS
from .credentials import Credentials
from .events import Dimensions, Event, Usage
from .oddities import ODDITIES, OddOrganization
from .organization import Organization, SampleOrganization, ScriptedOrganization
from .rate import RateLimit
from .records import OMITTED, SAMPLE_ORGANIZATION_ID, model_usage, record
from .script import FaultScript, On

__all__ = [
    "FAULTS",
    "HARMLESS",
    "ODDITIES",
    "OMITTED",
    "SAMPLE_ORGANIZATION_ID",
    "Alteration",
    "Credentials",
    "Dimensions",
    "Event",
    "EventOrganization",
    "Fault",
    "FaultScript",
    "LoggedRequest",
    "OddOrganization",
    "On",
    "Organization",
    "RateLimit",
    "SampleOrganization",
    "ScriptedOrganization",
    "SimulatedApi",
    "Usage",
    "error_response",
    "model_usage",
    "record",
    "utc_now",
]
