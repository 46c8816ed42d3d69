"""Fetch Apache Kafka's jars from Maven Central into the user's cache."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

from gridstress.local import processes
from topology.errors import BrokerError

KAFKA_VERSION = "4.4.0"
"""The newest release that Maven Central had when this was written; brokers 4.x need Java 17."""

JAVA_MIN = 17

_FETCH_TIMEOUT_S = 600
_JAVA_VERSION = re.compile(r'version "(\d+)')
_DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>gridstress</groupId>
  <artifactId>kafka-jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
    <!-- Without a logger the broker is mute; the version is that of Kafka's own log4j-core. -->
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.5</version>
    </dependency>
  </dependencies>
</project>
"""


def cache_dir() -> Path:
    """Where the jars of this Kafka version are kept; may not exist yet."""
    return user_cache_path("gridstress") / f"kafka-{KAFKA_VERSION}"


def java() -> str:
    """Path of a Java that can run the broker.

    Raises
    ------
    BrokerError
        If there is none, or it is too old.
    """
    hint = f"install Java {JAVA_MIN} or newer, or use --broker embedded"
    path = shutil.which("java")
    if path is None:
        raise BrokerError("Apache Kafka needs Java, which is not on the PATH", hint=hint)
    try:
        # `java -version` writes to standard error.
        answer = subprocess.run(
            [path, "-version"], capture_output=True, text=True, timeout=60, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerError(f"{path} -version did not answer: {error}", hint=hint) from error
    found = _JAVA_VERSION.search(answer)
    if found is None or int(found[1]) < JAVA_MIN:
        version = found[1] if found else "of unknown version"
        raise BrokerError(
            f"Apache Kafka {KAFKA_VERSION} needs Java {JAVA_MIN}, {path} is {version}", hint=hint
        )
    return path


def check() -> None:
    """Make sure that the broker could be started here, without fetching anything.

    Raises
    ------
    BrokerError
        If Java is missing or too old, or Maven is missing and the jars are not there yet.
    """
    java()
    if not cache_dir().is_dir():
        _maven()


def fetch_jars() -> Path:
    """Directory with the broker's jars, fetched on the first call (45 MB), checksums verified.

    Raises
    ------
    BrokerError
        If Maven is missing, cannot reach its repository, or a checksum is wrong.
    """
    target = cache_dir()
    if target.is_dir():
        return target
    maven = _maven()
    target.parent.mkdir(parents=True, exist_ok=True)
    # Made complete beside the target and moved there at once: a broken fetch leaves no half cache.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetch-") as temporary:
        pom = Path(temporary) / "pom.xml"
        jars = Path(temporary) / "jars"
        pom.write_text(_POM, encoding="utf-8")
        _run_maven(
            [
                *(maven, "--batch-mode", "--quiet", "--strict-checksums"),
                *("-Dstyle.color=never", "--file", str(pom), _DEPENDENCY_PLUGIN),
                *("-DincludeScope=runtime", f"-DoutputDirectory={jars}"),
            ]
        )
        try:
            jars.rename(target)
        except OSError as error:
            # Another process was faster.
            if not target.is_dir():
                raise BrokerError(f"cannot keep Kafka's jars in {target}: {error}") from error
    return target


def _maven() -> str:
    path = shutil.which("mvn")
    if path is None:
        raise BrokerError(
            "Maven, which fetches Apache Kafka, is not on the PATH",
            hint="install Maven (mvn), or use --broker embedded",
        )
    return path


def _run_maven(command: list[str]) -> None:
    try:
        done = processes.captured(command, _FETCH_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise BrokerError(
            f"Maven did not fetch Apache Kafka {KAFKA_VERSION} within {_FETCH_TIMEOUT_S} s"
        ) from None
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
        reason = lines[0].removeprefix("[ERROR]").strip() if lines else "no reason given"
        raise BrokerError(
            f"Maven could not fetch Apache Kafka {KAFKA_VERSION}: {reason[:400]}",
            hint="check that mvn reaches its repository, or use --broker embedded",
        )
