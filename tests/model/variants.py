"""A variant breaks one rule. It must be caught, and by the invariant that it names."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.model.rules import Town


@dataclass(frozen=True)
class Variant:
    """switch: the one field of the rules that is turned."""

    rule: str
    what: str
    switch: dict[str, Any]
    town: Town
    catches: Callable[..., object]  # the invariant or goal that must notice

    @property
    def broken_town(self) -> Town:
        return replace(self.town, rules=replace(self.town.rules, **self.switch))
