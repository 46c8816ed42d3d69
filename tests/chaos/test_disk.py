import errno
import os
from pathlib import Path

import pytest

from tests.chaos.disk import small_disk
from tests.chaos.worker import Hung


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
async def test_a_full_disk_takes_nothing_and_a_freed_one_takes_it_again(tmp_path: Path) -> None:
    try:
        async with small_disk(tmp_path) as disk:
            file = tmp_path / "table"
            assert disk.fill() > 1 << 20
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                file.write_bytes(bytes(100_000))
            disk.free()
            file.write_bytes(bytes(100_000))
    except Hung as error:
        pytest.skip(str(error))
    assert not file.exists(), "it is unmounted"
