"""Whose days a run reads: one id, settled before the first day is shaped (decision D3). Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ..constants import ORGANIZATION_PATH, SAMPLE_ORGANIZATION_ID, UNKNOWN_ORGANIZATION
from ..exceptions import ConfigurationError


def own_id(
    named: Sequence[str],
    problem: str | None,
    given: str | None,
    known: Collection[str],
    warn: Callable[[str], object],
) -> str:
    """Returns the id that rows, markers and ledger rows of a run carry, in the spelling that the dataset knows.

    `named` has the ids that the API returned: of `/v1/organizations/me`, then of headers. Where that endpoint names
    none, `problem` says why. `given` is the parameter; where it is one of two different ids, it decides before the
    dataset. Raises ConfigurationError where they contradict each other, or what the dataset holds.
    """
    _check_unknown(known)
    candidates = _candidates(named, problem, given)
    own = next(filter(None, (_stored(each, known) for each in candidates)), candidates[0])
    if problem and not given:
        _check_header(own, problem, known)
    others = [each for each in named if not is_same(each, own)]
    if others:
        warn(f"the API names two organizations, {own} and {others[0]}; days are loaded as those of {own}")
    _check_sample(own, [name for name in known if not is_same(name, own)])
    return own


def _stored(one: str, known: Collection[str]) -> str | None:
    """Returns an id in the spelling of the dataset, or None where it has no such organization."""
    return next((name for name in known if is_same(name, one)), None)


def _candidates(named: Sequence[str], problem: str | None, given: str | None) -> Sequence[str]:
    if not given:
        if not named:
            raise ConfigurationError(
                f"the API did not name the organization ({problem}); set the parameter organization_id to its id"
            )
        return named
    if named and not any(is_same(given, each) for each in named):
        raise ConfigurationError(
            f"organization_id is {given}, but the credential reads organization {named[0]}; "
            "remove organization_id, or use a key of that organization"
        )
    return [each for each in named if is_same(given, each)] or [given]


def _check_header(own: str, problem: str, known: Collection[str]) -> None:
    """Refuses an id that only a header names beside others: it is perhaps the same organization."""
    if known and own not in known:
        raise ConfigurationError(
            f"the dataset holds organization {', '.join(known)}, and {own} may be another id of it ({problem}); "
            f"use a key that may read {ORGANIZATION_PATH}, or set organization_id to {own} to add a second organization"
        )


def _check_unknown(known: Collection[str]) -> None:
    if UNKNOWN_ORGANIZATION in known:
        raise ConfigurationError(
            "the dataset has rows of an organization 'unknown', which an unreleased version wrote; load into another "
            "dataset"
        )


def _check_sample(own: str, others: Collection[str]) -> None:
    if others and any(is_same(name, SAMPLE_ORGANIZATION_ID) for name in (own, *others)):
        raise ConfigurationError(
            f"the dataset holds organization {', '.join(others)} and the load would add {own}; sample and real data do "
            "not mix: load into another dataset, or remove the sample's tables first"
        )


def is_same(one: str, other: str) -> bool:
    """Returns whether two ids name one organization: UUIDs compare without case."""
    return one.lower() == other.lower()
