"""Teams of people, and the folding of teams that are too small to show. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

SMALL_TEAMS = "(small teams)"
NO_TEAM = "(no team)"


def shown_teams(people: Iterable[str], teams: Mapping[str, str], min_team: int) -> dict[str, str]:
    """Returns the team under which each active person is shown.

    Teams with fewer active people than `min_team` fold into one. If those, or the people without a team, are still
    fewer, both fold together.

    Args:
        people: Addresses of active people.
        teams: Teams by address.
        min_team: Fewest active people of a team that is shown by its name.
    """
    own = {person: teams.get(person, NO_TEAM) for person in people}
    sizes = Counter(own.values())
    folded = {
        person: team if team == NO_TEAM or sizes[team] >= min_team else SMALL_TEAMS for person, team in own.items()
    }
    sizes = Counter(folded.values())
    if 0 < sizes[SMALL_TEAMS] < min_team or (sizes[SMALL_TEAMS] and 0 < sizes[NO_TEAM] < min_team):
        folded = {person: SMALL_TEAMS if team == NO_TEAM else team for person, team in folded.items()}
    return folded
