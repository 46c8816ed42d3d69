from ui.dashboard.shell.audit_badge import SILENT_S, audit_badge
from ui.schema.runs import Audit, ModelAudit, RunInfo

NOW = 1e9
UNTIL = "2025-01-07T14:00:00Z"


def badge(age_s: float = 1.0, other: str | None = UNTIL, **fields) -> tuple[str, str, str]:
    models = {"linear": ModelAudit(UNTIL, 0), "centrality": ModelAudit(other, 0)}
    audit = Audit(**{"updated_at": NOW - age_s, "state": "verified", "models": models} | fields)
    run = RunInfo("r", None, None, ended=False, published_at=0.0, audit=audit)
    found = audit_badge(run, NOW)
    return found.text, found.css, found.title


def test_a_run_without_differences_is_green_up_to_where_all_models_are_verified() -> None:
    text, css, title = badge(other="2025-01-07T15:00:00Z")
    assert text == "audited until 14:00 · 0 differences"
    assert css == "badge audit-equal"
    assert "until Tue 07 Jan 2025 14:00" in title


def test_a_difference_is_red_with_the_first_as_its_title() -> None:
    text, css, title = badge(state="different", differences=2, first=["a", "b"])
    assert (text, css) == ("2 differences", "badge audit-different")
    assert title.endswith(": a")


def test_workers_that_are_behind_are_not_green() -> None:
    _, css, title = badge(state="behind", measured_until="2025-01-08T00:00:00Z")
    assert css == "badge"
    assert "behind the data until Wed 08 Jan 2025 00:00" in title


def test_a_run_that_is_not_audited_says_why() -> None:
    text, css, title = badge(state="not audited", reason="other settings")
    assert (text, css) == ("not audited", "badge")
    assert "other settings" in title


def test_before_the_first_window_nothing_is_claimed() -> None:
    assert badge(other=None)[0] == "audit begins"


def test_nothing_is_shown_without_an_auditor_or_after_it_has_stopped() -> None:
    run = RunInfo("r", None, None, ended=False, published_at=0.0)
    assert audit_badge(run, NOW).css == audit_badge(None, NOW).css == "badge hidden"
    assert badge(age_s=SILENT_S + 1)[1] == "badge hidden"
