import os
from pathlib import Path

import pytest

from bench.peers import java_programs
from bench.peers.programs import PEERS
from topology.errors import GridstressError


def test_every_peer_is_told_where_it_reads_records_or_frames():
    assert {name for name, peer in PEERS.items() if peer.frames} == {
        "kafka-streams-frames",
        "flink-frames",
        "plain",
    }
    assert (PEERS["faust"].form, PEERS["plain"].form) == ("a record a node", "frames")


@pytest.mark.parametrize("name", PEERS)
def test_the_files_of_a_program_are_there(name: str):
    here = Path(java_programs.__file__).parent
    assert [source for source in PEERS[name].sources if not (here / source).is_file()] == []


def test_peers_on_the_jvm_may_warm_up_and_python_needs_not():
    assert PEERS["quix"].passes == 1
    assert PEERS["flink"].passes > 1


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a" / "src").mkdir(parents=True)
    for file in ("pom.xml", "a/pom.xml", "a/src/A.java"):
        (tmp_path / file).touch()
    monkeypatch.setattr(java_programs, "HOME", tmp_path)
    monkeypatch.setattr(java_programs, "STAMP", tmp_path / "target" / "built")
    return tmp_path


def build(project: Path) -> None:
    (project / "target").mkdir()
    (project / "target" / "built").touch()
    age(project / "target" / "built", -60)


def age(file: Path, seconds: float) -> None:
    """Make a file older by so many seconds; newer if they are below 0."""
    changed_s = file.stat().st_mtime - seconds
    os.utime(file, (changed_s, changed_s))


def test_java_is_built_again_when_a_source_is_newer(project: Path):
    assert not java_programs.is_built()
    build(project)
    assert java_programs.is_built()
    age(project / "a" / "src" / "A.java", -120)
    assert not java_programs.is_built()


def test_what_is_missing_for_java_is_said(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert java_programs.missing() == "there is no Java 17 or newer"
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")
    java.chmod(0o755)
    assert java_programs.missing() == "Maven is not on the PATH"
    build(project)
    assert java_programs.missing() == ""


def test_a_build_that_takes_too_long_is_an_error(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\nexec sleep 60\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(java_programs, "BUILD_S", 0.1)
    with pytest.raises(GridstressError, match=r"could not be built: not done within 0.1 s"):
        java_programs._build()
    assert not java_programs.is_built()
