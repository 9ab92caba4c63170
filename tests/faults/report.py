"""A run in words: how a person reads what happened, and how a seed is replayed."""

from collections.abc import Callable
from random import Random

from tests.faults.broken_rules import VARIANTS
from tests.faults.invariants import BROKEN, KINDS
from tests.faults.points import Plan
from tests.faults.trials import Harness, Run, Trial
from tests.faults.variants import Variant, broken

SEEDS = 300


def run_text(run: Run) -> list[str]:
    """The points, and the last line; failing seeds were told as they came."""
    missed = sorted(run.points - run.hit)
    lines = [f"not hit: {point}" for point in missed[:10]] if run.trials >= SEEDS else []
    speed = f"{run.trials / run.seconds:.1f} trials a second"
    lines.append(f"cut points: {len(run.points)} exist, {len(run.hit)} were hit; {speed}")
    counts = [f"{kind} {run.count(kind)}" for kind in KINDS]
    counts += [f"{BROKEN} {run.count(BROKEN)}"] if run.count(BROKEN) else []
    lines.append(", ".join([f"trials {run.trials}", *counts]))
    return lines


def is_good(run: Run) -> bool:
    """Nothing broke, and SEEDS trials or more left no point out."""
    return not run.failures and (run.trials < SEEDS or run.hit == run.points)


def trial_text(trial: Trial) -> list[str]:
    seed = trial.plan.seed
    faults = [
        f"  {fault}" + ("" if fault in trial.events.hit else " (not reached)")
        for fault in trial.plan.faults
    ]
    found = [f"  {kind}: {text}" for kind, text in trial.breaches]
    return [f"seed {seed}; replay: python -m tests.faults --seed {seed}", *faults, *found]


def catch(here: Harness, variant: Variant, seeds: int = SEEDS) -> Trial | None:
    """The first trial in which the broken rule shows, or None; perhaps the one without faults."""
    with broken(variant):
        quiet = here.trial(Plan(-1))
        if quiet.breaches:
            return quiet
        # In another order than the sweep, which visits one place after the other.
        near = [
            point for point in sorted(here.points) if (point.phase, point.place) == variant.where
        ]
        order = [here.map.alone(point) for point in Random(0).sample(near, len(near))]
        order += Random(0).sample(range(seeds), seeds)
        run = here.run(order, lambda trial: bool(trial.breaches))
    return run.failures[0] if run.failures else None


def variants_text(here: Harness, seeds: int, say: Callable[[str], None]) -> bool:
    """Says of each broken variant what caught it; whether all were."""
    caught = True
    for variant in VARIANTS:
        trial = catch(here, variant, seeds)
        say(f"variant {variant.rule}, {variant.what}: {_catch_text(trial)}")
        caught &= trial is not None
    return caught


def _catch_text(trial: Trial | None) -> str:
    if trial is None:
        return "NOT CAUGHT"
    kind, text = trial.breaches[0]
    faults = trial.plan.faults
    where = f"seed {trial.plan.seed}" if faults else "a day on which nothing else goes wrong"
    where += f" ({faults[0]})" if len(faults) == 1 else ""
    return f"caught by {where}: {kind}, {text.splitlines()[0]}"


def watch(trial: Trial, say: Callable[[str], None]) -> bool:
    """Tells a failing trial at once, and now and then how far a long run is; never the end."""
    if trial.breaches:
        say("\n".join(trial_text(trial)))
    elif trial.plan.seed and trial.plan.seed % 1_000 == 0:
        say(f"{trial.plan.seed} trials")
    return False
