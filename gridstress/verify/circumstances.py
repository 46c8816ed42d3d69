"""Find the settings a run was processed with, and whether a change of settings ended it."""

from dataclasses import dataclass

from gridstress.group_settings.rule import Mine, differences
from gridstress.group_settings.settings_log import read_log
from gridstress.settings import Settings
from topology.errors import GridstressError
from topology.grid import Grid


@dataclass(frozen=True)
class Circumstances:
    """``ended_at`` is when other settings were accepted, which ended the run; empty if none were.

    ``notes`` say in words what a reader of the verdict should know.
    """

    ended_at: str = ""
    notes: tuple[str, ...] = ()


async def run_circumstances(settings: Settings, grid: Grid, run: str) -> Circumstances:
    """Look up how a run was worked on; some models instead of all may be verified.

    Raises
    ------
    GridstressError
        If these settings are not those with which the workers reckoned the run; names each.
    BrokerError
        If the broker does not answer.
    """
    group = await read_log(settings)
    if group is None:
        return Circumstances(notes=("which settings the workers have is not known",))
    era = group.of_run(run)
    mine = Mine.of(settings, grid)
    models = era.settings.get("models", "")
    notes: tuple[str, ...] = ()
    if set(settings.model_names) < set(models.split(",")):
        mine = Mine({**mine.components, "models": models}, grid)
        notes = (f"only {settings.models} of the group's models {models} was verified",)
    if found := differences(era, mine):
        raise GridstressError(
            f"run {run} was worked on with other settings: {'; '.join(found)}",
            hint="set them as the group has them: gridstress settings show; or, for a run that "
            "other settings have ended, as they were",
        )
    if run not in era.ended_runs:
        return Circumstances(notes=notes)
    ended_at = group.eras[era.number + 1].founded.at
    note = f"other settings were accepted at {ended_at}, which ended this run: compared up to the "
    return Circumstances(ended_at, (*notes, note + "last final window of each shard"))
