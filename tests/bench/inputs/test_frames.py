from pathlib import Path

from bench.inputs.frames import Input
from tests.support.frames import ended, measured
from topology.codec import encode

FRAMES = [
    measured("north", [0, 1], {"a": [1, 2], "b": [3, 4]}),
    measured("south", [0], {"c": [5]}),
    measured("south", [1], {"c": [6]}),
    ended("north", 2),
    ended("south", 2),
    measured("north", [0], {"a": [1]}, run="s"),
]


def test_an_input_knows_what_it_amounts_to(tmp_path: Path):
    (tmp_path / "f").write_bytes(b"".join(encode(frame) + b"\n" for frame in FRAMES))
    found = Input([tmp_path / "f"])
    assert found.node_measurements == 4 + 2 + 1
    assert found.rows == 2 + 1
    assert found.runs == ["r", "s"]
    assert found.zones == ["north", "south"]
    assert found.last == {("r", "north"): 2, ("r", "south"): 2, ("s", "north"): 0}


def test_the_frames_are_sent_as_they_lie_there_file_after_file(tmp_path: Path):
    for name, frame in zip("ab", FRAMES, strict=False):
        (tmp_path / name).write_bytes(encode(frame) + b"\n")
    found = Input([tmp_path / "b", tmp_path / "a"])
    assert list(found.lines()) == [encode(FRAMES[1]), encode(FRAMES[0])]
