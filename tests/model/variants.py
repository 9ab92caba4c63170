"""One rule broken at a time. Each must be caught, and by the invariant that stands beside it."""

from dataclasses import dataclass, replace

from tests.model import configurations as towns
from tests.model import invariants as i
from tests.model import liveness as l
from tests.model.rules import ENTRY_FIRST, REQUEST_FIRST, Rules, Town
from tests.model.state import EXPIRED


@dataclass(frozen=True)
class Variant:
    rule: str
    what: str
    rules: Rules
    town: Town
    catches: str  # the name of the invariant or goal that must notice

    @property
    def broken_town(self) -> Town:
        return replace(self.town, rules=self.rules)


def _v(rule: str, what: str, town: Town, catches: object, **switch: object) -> Variant:
    rules = replace(Rules(), **switch)
    return Variant(rule, what, rules, town, getattr(catches, "__name__"))
