"""Which tests run in one process, and which start first, when several processes share the tests."""

from pathlib import Path

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

TESTS = Path(__file__).parents[1]

TOGETHER: dict[str, str] = {
    # Two browsers for all pages: one alone would be the last to end.
    **dict.fromkeys(
        (
            "ui/dashboard/browser/test_overview.py",
            "gridstress/verify/test_influence.py",
            "ui/dashboard/browser/test_accessibility.py",
            "ui/dashboard/browser/test_sharing.py",
            "ui/dashboard/browser/test_storm.py",
            "integration/test_dashboard_live.py",
            "support/test_browser_loop.py",
            "ui/api/test_view_store.py",
        ),
        "first browser",
    ),
    **dict.fromkeys(
        (
            "integration/test_dashboard_going.py",
            "integration/test_dashboard_past.py",
            "ui/dashboard/browser/test_alarms.py",
            "ui/dashboard/browser/test_audit.py",
            "ui/dashboard/browser/test_behaviour.py",
            "ui/dashboard/browser/test_compare.py",
            "ui/dashboard/browser/test_models.py",
            "ui/dashboard/browser/test_node.py",
            "ui/dashboard/browser/test_replay_panel.py",
            "ui/dashboard/browser/test_system.py",
            "ui/dashboard/browser/test_time_bar.py",
            "ui/dashboard/pages/test_compare.py",
        ),
        "second browser",
    ),
    # These two groups need more memory than others, as do browsers: each to a process of its own.
    **dict.fromkeys(
        (
            "agents/test_record_sizes.py",
            "gridstress/compare/test_comparison.py",
            "gridstress/compare/test_ranks.py",
            "gridstress/compare/test_score.py",
            "gridstress/faust_fixes/test_fetched_batches.py",
            "integration/test_rubbish.py",
            "topology/influence/test_betweenness.py",
            "topology/influence/test_electrical.py",
            "topology/influence/test_paths.py",
            "topology/loaders/test_layout.py",
            "ui/api/test_agreement_history.py",
        ),
        "large",
    ),
    **dict.fromkeys(
        (
            "gridstress/cli/test_compare.py",
            "gridstress/compare/test_sweep.py",
            "gridstress/datasets/test_reading.py",
            "gridstress/replay/test_replayer.py",
            "gridstress/group_settings/test_rule.py",
            "gridstress/kafka/test_topic_reader.py",
            "test_notebook.py",
            "topology/test_german_year.py",
            "ui/api/test_answers.py",
            "ui/dashboard/serving/test_login.py",
            "ui/dashboard/serving/test_server.py",
        ),
        "medium",
    ),
}
"""Groups by file (relative to ``tests/``): the files of one share a process and its fixtures."""

LONGEST: tuple[str, ...] = (
    "second browser",
    "first browser",
    "large",
    "medium",
    "integration/test_pipeline.py",
    "integration/test_archive.py",
    "integration/test_odd_records.py",
    "integration/test_run_records.py",
    "gridstress/runtime/test_watchdog.py",
    "gridstress/verify/test_run.py",
    "gridstress/replay/test_resume.py",
    "integration/test_upgrade.py",
    "agents/test_any_delivery.py",
    "integration/test_feed.py",
    "integration/test_models.py",
    "gridstress/faust_fixes/test_word_count.py",
    "integration/test_group_settings.py",
    "gridstress/cli/test_replay.py",
    "gridstress/local/test_launcher.py",
    "integration/test_token.py",
    "integration/test_api.py",
    "integration/test_one_model.py",
    "integration/test_broker_away.py",
    "integration/test_view_order.py",
    "integration/test_audit.py",
    "gridstress/verify/test_auditor.py",
    "integration/test_metrics.py",
    "gridstress/runtime/test_web_server.py",
    "integration/test_odd_clocks.py",
    "gridstress/local/test_processes.py",
    "gridstress/verify/test_audit.py",
    "gridstress/faust_fixes/test_commits.py",
    "gridstress/local/test_brokers.py",
    "support/test_examples.py",
    "gridstress/run_records/test_run_records.py",
    "ui/api/test_view_consumer.py",
    "gridstress/verify/test_dead_letters.py",
)
"""Groups and files that start first, the longest before all, so that none is left for the end."""


def unit(path: str) -> str:
    """What a file (relative to ``tests/``) runs with: its group, or itself."""
    return TOGETHER.get(path, path)


def in_order(items: list[pytest.Item]) -> None:
    """Put the tests that take longest first, those of a unit beside each other."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(_unit_of(item), len(rank)))


def _unit_of(item: pytest.Item) -> str:
    path = item.path
    return unit((path.relative_to(TESTS) if path.is_relative_to(TESTS) else path).as_posix())


class UnitScheduling(LoadScopeScheduling):
    """Gives each process a unit after the other, in the order of the collected tests."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid.partition("::")[0].removeprefix("tests/"))
