"""Who works in the sample organization: its developers and its CI pipelines, with their habits.

Everything here is settled once for an organization. What somebody does on a given day is
`organization`'s business.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from .records import OMITTED, Omitted

FIRST_NAMES: Final = (  # noqa: SIM905 (as lists these are eighty lines)
    "ada alan amina anton barbara bjarne carmen chidi dana dennis edith elif emeka esther farid fatima grace "
    "guido hana hedy ines ivan jun kamala kenji lars leila linus lucia marie mei nadia niklaus olga omar "
    "priya quentin radia samir tove"
).split()
LAST_NAMES: Final = (  # noqa: SIM905
    "abara berg castillo diaz eriksen fischer garcia haddad ito jansen kaya lindqvist moreau nakamura okafor "
    "petrov quist rossi schmidt tanaka ueda varga weber xu yilmaz zhang adeyemi bauer costa dubois evans "
    "ferrari gupta hansen ivanova jung kim lopez mehta novak"
).split()
PIPELINES: Final = (
    "ci-main",
    "Prüfstand – 夜間ビルド 🚀",  # noqa: RUF001
    "release-bot",
    "docs-nightly",
    "dependency-updates",
    "code review (shared)",
)
OFFICES: Final = ((7, 20), (13, 24), (0, 10))
"""Working hours of the three offices, in whole UTC hours: Europe, the American east, Singapore."""

# What follows are choices with their weights.
TERMINALS: Final = {
    "vscode": 40,
    "iTerm.app": 16,
    "tmux": 14,
    "Apple_Terminal": 10,
    "cursor": 8,
    "WezTerm": 5,
    "ghostty": 4,
    "pycharm": 3,
}
Contract = tuple[str, "str | Omitted | None"]
CONTRACTS: Final[dict[Contract, int]] = {
    ("api", None): 50,
    ("api", OMITTED): 20,
    ("api", "enterprise"): 10,
    ("subscription", "team"): 12,
    ("subscription", "enterprise"): 8,
}
"""`customer_type` with `subscription_type`: the pairs of the documentation, its odd ones too."""

Mix = tuple[tuple[str, float], ...]
MIXES: Final[dict[Mix, int]] = {
    (("sonnet", 1.0), ("haiku", 0.2)): 45,
    (("sonnet", 1.0),): 20,
    (("opus", 0.5), ("sonnet", 0.6), ("haiku", 0.1)): 25,
    (("opus", 0.9), ("haiku", 0.1)): 10,
}
"""Model families that somebody uses, each with its share of the work."""

T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """A developer, or a CI pipeline with an API key of its own.

    Attributes:
        number: Place in the roster; what the days of this person are seeded with.
        email: Address of a developer, empty for a pipeline.
        api_key: Name of a pipeline's key, None for a developer.
        joined: First UTC day.
        left: First UTC day on which the person is gone; None for those who stay.
        contract: `customer_type` and `subscription_type` of every record.
        terminals: The favourite terminal, and for many a second one.
        remote: Whether the person starts remote sessions once there are any.
        presence: Chance of any activity on a weekday.
        weekend_presence: The same on a weekend day.
        pace: Amount of work on an average day, around 1.
        mix: Model families and their share of the work.
        patience: Days for which the person stays on the old model after a new one came.
        hours: First and last UTC hour of work.
    """

    number: int
    email: str
    api_key: str | None
    joined: dt.date
    left: dt.date | None
    contract: Contract
    terminals: tuple[str, ...]
    remote: bool
    presence: float
    weekend_presence: float
    pace: float
    mix: Mix
    patience: dt.timedelta
    hours: tuple[int, int]


def address(number: int) -> str:
    """Return the address of developer `number`: no two alike, and one of them in mixed case."""
    names = len(FIRST_NAMES)
    round_, first = divmod(number, names)
    # Shifting the family names by one in each round pairs every first name with every family name.
    again = round_ // names
    email = f"{FIRST_NAMES[first]}.{LAST_NAMES[(first + round_) % names]}{again or ''}@sample.example"
    return email.title() if number == 3 else email


def roster(seed: int, developers: int, founded: dt.date) -> tuple[Person, ...]:
    """Return everybody who is ever part of the organization, developers first.

    A third of the developers is there from the start, the others join over a year, one in eight leaves
    again. There is one pipeline for every 20 developers, at least three.
    """
    people = [_developer(seed, number, developers, founded) for number in range(developers)]
    people += (_pipeline(seed, developers + index, index, founded) for index in range(max(3, developers // 20)))
    return tuple(people)


def _developer(seed: int, number: int, developers: int, founded: dt.date) -> Person:
    rng = random.Random(f"{seed}|person|{number}")  # noqa: S311 (people, not secrets)
    late = max(0.0, number / developers - 1 / 3) * 1.5
    joined = founded + dt.timedelta(days=int(365 * late))
    terminals = dict.fromkeys((_pick(rng, TERMINALS), _pick(rng, TERMINALS)))
    return Person(
        number=number,
        email=address(number),
        api_key=None,
        joined=joined,
        left=joined + dt.timedelta(days=rng.randint(90, 420)) if rng.random() < 1 / 8 else None,
        contract=_pick(rng, CONTRACTS),
        terminals=tuple(terminals),
        remote=rng.random() < 0.35,
        presence=rng.uniform(0.65, 0.97),
        weekend_presence=rng.uniform(0.0, 0.06),
        pace=rng.lognormvariate(0.0, 0.5),
        mix=_pick(rng, MIXES),
        patience=dt.timedelta(days=rng.randint(0, 40)),
        hours=rng.choice(OFFICES),
    )


def _pipeline(seed: int, number: int, index: int, founded: dt.date) -> Person:
    rng = random.Random(f"{seed}|person|{number}")  # noqa: S311 (people, not secrets)
    round_, name = divmod(index, len(PIPELINES))
    return Person(
        number=number,
        email="",
        api_key=PIPELINES[name] + (f" {round_ + 1}" if round_ else ""),
        joined=founded + dt.timedelta(days=30 * min(index, 12)),
        left=None,
        contract=("api", None),
        terminals=("non-interactive",),
        remote=False,
        presence=0.96,
        weekend_presence=0.6,
        pace=rng.uniform(0.5, 3.0),
        mix=(("sonnet", 1.0),) if index % 2 else (("haiku", 1.0),),
        patience=dt.timedelta(days=rng.randint(0, 40)),
        hours=(0, 24),
    )


def _pick(rng: random.Random, weights: Mapping[T, int]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]
