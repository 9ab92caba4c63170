"""The model's run as lines of text: configurations with their sizes, variants with their catch."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.model import liveness, pair_rule
from tests.model.explore import explore
from tests.model.rules import Town
from tests.model.variants import Variant


@dataclass(frozen=True)
class Finding:
    """What a run found: the name of what does not hold, or nothing, and the way to it."""

    states: int
    transitions: int
    breach: str
    trace: list[str]
    seconds: int


def look(town: Town) -> Finding:
    """Explores a town and then asks what is still possible from each of its states."""
    began = time.process_time()
    space = explore(town)
    breach, state = space.breach, len(space.worlds) - 1
    if not breach:
        breach, state = liveness.stuck(space, town) or ("", 0)
    seconds = round(time.process_time() - began)
    trace = space.trace(state) if breach else []
    return Finding(len(space.worlds), len(space.sources), breach, trace, seconds)


def is_caught(variant: Variant, finding: Finding) -> bool:
    return finding.breach == variant.catches.__name__


def towns_text(towns: Iterable[Town]) -> Iterator[tuple[str, bool]]:
    """Lines, and whether each is good news."""
    yield f"{'configuration':<45}{'states':>10}{'transitions':>13}{'s':>5}", True
    for town in towns:
        found = look(town)
        verdict = found.breach or "holds"
        line = f"{town.name:<45}{found.states:>10,}{found.transitions:>13,}{found.seconds:>5}"
        yield f"{line}  {verdict}", not found.breach
        yield from ((line, False) for line in trace_text(found))


def variants_text(variants: Iterable[Variant]) -> Iterator[tuple[str, bool]]:
    for variant in variants:
        found = look(variant.broken_town)
        caught = is_caught(variant, found)
        steps = f"{found.breach}, {len(found.trace)} steps" if found.breach else "nothing"
        remark = "" if caught else f" (expected: {variant.catches.__name__})"
        yield f"{variant.rule}: {variant.what}", True
        yield f"  caught by {steps}, {found.states:,} states{remark}", caught
        yield from ((line, True) for line in trace_text(found))


def pair_rule_text() -> Iterator[tuple[str, bool]]:
    fault = pair_rule.fault()
    yield f"the pair rule over all small sets: {fault or 'holds'}", not fault
    for rule, expected in pair_rule.BROKEN:
        fault = pair_rule.fault(rule)
        yield f"  {rule.__name__}: caught by {fault or 'nothing'}", fault == expected


def trace_text(found: Finding) -> list[str]:
    return [f"    {number}. {step}" for number, step in enumerate(found.trace, 1)]
