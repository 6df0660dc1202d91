"""``python -m tests.mutants``: whether the tests tell each seeded defect from the code."""

from dataclasses import asdict
from typing import Annotated

import typer

from infra.cli.console import note, show_json, show_table
from infra.cli.options import AsJson
from tests.mutants.patches import mutants
from tests.mutants.trial import NotGreen, Verdict, check_unpatched, try_out

WIDEST = 72

Only = Annotated[
    list[str] | None, typer.Option(help="Number or beginning of a name; may be repeated.")
]


def main(*, only: Only = None, as_json: AsJson = False):
    """Run each mutant's test on the mutant; ends with 1 unless every one is caught."""
    chosen = _chosen(only or [""])
    _check_unpatched(chosen)
    trials = [_tried(mutant, place, len(chosen)) for place, mutant in enumerate(chosen, 1)]
    if as_json:
        show_json({"mutants": [asdict(trial) for trial in trials]})
    else:
        show_table(("mutant", "", "s", "why"), map(_row, trials))
    if any(trial.verdict is not Verdict.CAUGHT for trial in trials):
        raise typer.Exit(1)


def _chosen(wanted):
    found = mutants()
    names = {one: [each for each in found if _is_meant(each, one)] for one in wanted}
    if missing := [one for one in wanted if not names[one]]:
        raise typer.BadParameter(f"no mutant is called {missing[0]}", param_hint="--only")
    return [each for each in found if any(each in meant for meant in names.values())]


def _is_meant(mutant, wanted):
    return mutant.name.startswith(wanted.zfill(2) if wanted.isdecimal() else wanted)


def _check_unpatched(chosen):
    note(f"the tests of {len(chosen)} mutants, on the code as it is")
    try:
        check_unpatched(chosen)
    except NotGreen as error:
        note(f"{error}\nnot every one of them passes, or is run, without a mutant")
        raise typer.Exit(1) from error


def _tried(mutant, place, count):
    note(f"{place}/{count} {mutant.name}: {mutant.defect}")
    trial = try_out(mutant)
    note(f"    {trial.verdict} in {trial.seconds:.1f} s: {trial.why}")
    return trial


def _row(trial):
    why = trial.why.partition("\n")[0]
    short = why if len(why) <= WIDEST else f"{why[: WIDEST - 1]}…"
    return trial.name, trial.verdict.value, f"{trial.seconds:.1f}", short


if __name__ == "__main__":
    typer.run(main)
