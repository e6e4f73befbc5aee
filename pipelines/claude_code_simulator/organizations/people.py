"""Developers and CI pipelines of the sample organization, with their habits."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from .courses import COURSES, TEAMS, Phase, joining_day
from .record_builders import OMITTED, Omitted

Contract = tuple[str, "str | Omitted | None"]
Mix = tuple[tuple[str, float], ...]
T = TypeVar("T")

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
# Working hours in whole UTC hours: Europe, the American east, Singapore.
OFFICES: Final = ((7, 20), (13, 24), (0, 10))

# The rest are choices with their weights.
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
# `customer_type` with `subscription_type`: all pairs of the documentation, the odd ones too.
CONTRACTS: Final[dict[Contract, int]] = {
    ("api", None): 50,
    ("api", OMITTED): 20,
    ("api", "enterprise"): 10,
    ("subscription", "team"): 12,
    ("subscription", "enterprise"): 8,
}
# Model families of a person, each with its share of the work.
MIXES: Final[dict[Mix, int]] = {
    (("sonnet", 1.0), ("haiku", 0.2)): 45,
    (("sonnet", 1.0),): 20,
    (("opus", 0.5), ("sonnet", 0.6), ("haiku", 0.1)): 25,
    (("opus", 0.9), ("haiku", 0.1)): 10,
}


@dataclass(frozen=True)
class Person:
    """A developer, or a CI pipeline with an API key of its own. The defaults are those of a pipeline."""

    number: int  # place in the organization, which seeds the days of this person
    joined: dt.date  # first UTC day
    pace: float  # amount of work on an average day, around 1
    mix: Mix
    delay: dt.timedelta  # from a model's release until the person switches to it
    email: str = ""
    api_key: str | None = None  # a pipeline's
    phases: tuple[Phase, ...] = (Phase(100_000, 1.0, 1.0),)
    team: str = ""
    pipeline: int | None = None  # place among the pipelines
    contract: Contract = ("api", None)
    terminals: tuple[str, ...] = ("non-interactive",)  # the favourite one, and for many a second one
    remote: bool = False  # also starts remote sessions
    presence: float = 0.96  # chance of any activity on a weekday
    weekend_presence: float = 0.6
    hours: tuple[int, int] = (0, 24)  # first and last UTC hour of work


def people(seed: int, developers: int, founded: dt.date) -> tuple[Person, ...]:
    """Returns everybody who ever belongs to the organization, developers first.

    Developers join and go on as `courses` has it. There is one pipeline for every 20 developers, and at least three.
    """
    everybody = [_developer(seed, number, developers, founded) for number in range(developers)]
    everybody += (_pipeline(seed, developers + index, index, founded) for index in range(max(3, developers // 20)))
    return tuple(everybody)


def address(number: int) -> str:
    """Returns the address of developer `number`: no two are alike, and one is in mixed case."""
    names = len(FIRST_NAMES)
    round_, first = divmod(number, names)
    # Shifting the family names by one in each round pairs every first name with every family name.
    again = round_ // names
    email = f"{FIRST_NAMES[first]}.{LAST_NAMES[(first + round_) % names]}{again or ''}@sample.example"
    return email.title() if number == 3 else email


def _developer(seed: int, number: int, developers: int, founded: dt.date) -> Person:
    rng = random.Random(f"{seed}|person|{number}")  # noqa: S311 (people, not secrets)
    joined = founded + dt.timedelta(days=joining_day(number / developers))
    course = random.Random(f"{seed}|course|{number}").choices(COURSES, [course.weight for course in COURSES])[0]  # noqa: S311
    terminals = dict.fromkeys((_pick(rng, TERMINALS), _pick(rng, TERMINALS)))
    return Person(
        number=number,
        email=address(number),
        joined=joined,
        phases=course.phases,
        team=_pick(random.Random(f"{seed}|team|{number}"), TEAMS),  # noqa: S311
        contract=_pick(rng, CONTRACTS),
        terminals=tuple(terminals),
        remote=rng.random() < 0.35,
        presence=rng.uniform(0.65, 0.97),
        weekend_presence=rng.uniform(0.0, 0.06),
        pace=rng.lognormvariate(0.0, 0.5),
        mix=_pick(rng, MIXES),
        delay=dt.timedelta(days=rng.randint(0, 40)),
        hours=rng.choice(OFFICES),
    )


def _pipeline(seed: int, number: int, index: int, founded: dt.date) -> Person:
    rng = random.Random(f"{seed}|person|{number}")  # noqa: S311
    round_, name = divmod(index, len(PIPELINES))
    return Person(
        number=number,
        pipeline=index,
        api_key=PIPELINES[name] + (f" {round_ + 1}" if round_ else ""),
        joined=founded + dt.timedelta(days=30 * min(index, 12)),
        pace=rng.uniform(0.5, 3.0),
        mix=(("sonnet", 1.0),) if index % 2 else (("haiku", 1.0),),
        delay=dt.timedelta(days=rng.randint(0, 40)),
    )


def _pick(rng: random.Random, weights: Mapping[T, int]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]
