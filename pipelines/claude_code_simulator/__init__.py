"""A simulated Admin API with a sample organization behind it: no key, no network.

Written from the API's documentation alone and importing nothing of the other packages, so it is a second reading of the
contract and no mirror of the client.
"""

from .api.access import Credentials
from .api.rendering import error_response
from .api.simulated_api import LoggedRequest, SimulatedApi, utc_now
from .api.token_bucket import RateLimit
from .faults.catalog import FAULTS, HARMLESS
from .faults.script import FaultScript, On
from .organizations.record_builders import OMITTED, SAMPLE_ORGANIZATION_ID, model_usage, record
from .organizations.sample import SampleOrganization
from .organizations.scripted import Organization, ScriptedOrganization
from .server import serve

__all__ = [
    "FAULTS",
    "HARMLESS",
    "OMITTED",
    "SAMPLE_ORGANIZATION_ID",
    "Credentials",
    "FaultScript",
    "LoggedRequest",
    "On",
    "Organization",
    "RateLimit",
    "SampleOrganization",
    "ScriptedOrganization",
    "SimulatedApi",
    "error_response",
    "model_usage",
    "record",
    "serve",
    "utc_now",
]
