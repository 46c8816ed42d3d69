"""RocksDB as a shard's table needs it: small, and not growing with anything but its state."""

from typing import Any

from faust.stores.rocksdb import RocksDBOptions

LOG_BYTES = 16 << 10
"""Size up to which RocksDB writes its own log about itself. Left alone it grows for ever."""


class ShardOptions(RocksDBOptions):
    """Options of a database of a few megabytes whose keys are written again and again."""

    def as_options(self) -> Any:
        """Give the options as the driver wants them."""
        options: Any = super().as_options()
        options.set_max_log_file_size(LOG_BYTES)
        options.set_keep_log_file_num(2)
        options.set_stats_dump_period_sec(0)
        # What was overwritten goes with the second file: few files are open, little is stored.
        options.set_level_zero_file_num_compaction_trigger(2)
        return options
