"""Whose days a run reads: one id, settled before the first day is shaped (decision D3). Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ..exceptions import ConfigurationError

# Organization of days that an earlier, unreleased version could not attribute.
_UNKNOWN = "unknown"


def own_id(
    named: Sequence[str],
    problem: str | None,
    given: str | None,
    known: Collection[str],
    warn: Callable[[str], object],
) -> str:
    """Returns the id that rows, markers and ledger rows of a run carry, in the spelling that the dataset knows.

    `named` has the ids that the API returned: of `/v1/organizations/me`, then of the header. Where there is none,
    `problem` says why. `given` is the parameter. Raises ConfigurationError where they contradict each other.
    """
    if _UNKNOWN in known:
        raise ConfigurationError(
            "the dataset has rows of an organization 'unknown', which an unreleased version wrote; load into another "
            "dataset"
        )
    candidates = _candidates(named, problem, given)
    stored = [name for each in candidates for name in known if is_same(name, each)]
    own = stored[0] if stored else candidates[0]
    others = [each for each in candidates if not is_same(each, own)]
    if others:
        warn(f"the API names two organizations, {own} and {others[0]}; days are loaded as those of {own}")
    return own


def _candidates(named: Sequence[str], problem: str | None, given: str | None) -> Sequence[str]:
    if not named and not given:
        raise ConfigurationError(
            f"the API did not name the organization ({problem}); set the parameter organization_id to its id"
        )
    if not named and given:
        return [given]
    if given and not any(is_same(given, each) for each in named):
        raise ConfigurationError(
            f"organization_id is {given}, but the credential reads organization {named[0]}; "
            "remove organization_id, or use a key of that organization"
        )
    return named


def is_same(one: str, other: str) -> bool:
    """Returns whether two ids name one organization: UUIDs compare without case."""
    return one.lower() == other.lower()
