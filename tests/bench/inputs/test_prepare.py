from pathlib import Path

from bench.inputs.prepare import FRAME_CODE, digest_of
from gridstress.replay import schedule


def test_other_code_makes_other_frames(tmp_path: Path):
    grid, code = tmp_path / "grid.json", tmp_path / "schedule.py"
    grid.write_text("{}")
    code.write_text("MAX_VALUES = 60_000")
    before = digest_of([grid, code])
    assert digest_of([grid, code]) == before
    code.write_text("MAX_VALUES = 20_000")
    assert digest_of([grid, code]) != before
    assert Path(schedule.__file__) in FRAME_CODE
