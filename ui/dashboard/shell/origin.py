"""The origin of a run's data, in a few words."""

from dataclasses import dataclass

from ui.schema.runs import RunInfo

SYNTHETIC = "synthetic data"
UNKNOWN = "origin unknown"


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge's text, CSS classes and tooltip."""

    text: str
    css: str
    title: str


HIDDEN = Badge("", "badge hidden", "")


def origin_badge(run: RunInfo | None) -> Badge:
    """Say of a run whose loads were made up, or may have been; of measured ones say nothing."""
    if run is None:
        return HIDDEN
    if run.record is None:
        return Badge(
            UNKNOWN,
            "badge",
            "This run has no record that says where its loads come from: they may be measured or "
            "made up.",
        )
    source = run.record.source
    if run.record.synthetic is None:
        return Badge(
            UNKNOWN,
            "badge",
            f"The sender of this run ({source}) did not say whether its loads are measured or made "
            "up.",
        )
    if run.record.synthetic:
        made = "The loads of this run were made up by a generator, not measured."
        return Badge(SYNTHETIC, "badge", f"{made} Source: {source}.")
    return HIDDEN


def run_title(run: RunInfo | None) -> str:
    """A run's name and the source of its data, as far as they are known."""
    if run is None:
        return ""
    return f"{run.run}, from {run.record.source}" if run.record else run.run
