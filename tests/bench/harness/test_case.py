from bench.harness.case import Case
from gridstress.settings import load_settings


def test_a_case_is_what_the_workers_settings_say():
    environment = Case(store="memory", span=48).environment
    names = {name.removeprefix("GRIDSTRESS_").lower(): v for name, v in environment.items()}
    settings = load_settings(**names)
    assert settings.store == "memory"
    assert settings.size_s == 48 * settings.step_s


def test_a_case_is_named_by_what_is_unusual():
    assert str(Case()) == "refined-2000, rocksdb, apache"
    assert str(Case("germany", workers=2, span=1, role="worker")) == (
        "germany, rocksdb, apache, 2 workers, role worker, size/step 1"
    )
