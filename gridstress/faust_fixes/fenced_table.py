"""A Faust table whose writes carry their fencing epoch, so that former owners' writes are void.

Beside Faust's own way (``table[key] = value`` inside a stream) it takes many changes of a partition
at once, past Faust's producer buffer and its look-ups of the current event.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import faust
import rocksdict
from faust.stores import memory
from faust.stores.rocksdb import RocksDBOptions

from gridstress.faust_fixes.fencing import Epoch

# What a table holds is never kept over a restart, so a log of it would never be read.
_UNLOGGED = rocksdict.WriteOptions()
_UNLOGGED.disable_wal = True  # type: ignore[assignment,method-assign]

LOG_BYTES = 16 << 10
"""Size up to which RocksDB writes its own log about itself. Left alone it grows for ever."""

COMPACTION_LAG = {"min.compaction.lag.ms": "3600000"}
"""Setting of a changelog: a late write of a former owner is not all that is left of its key before
the next take-over has written again what counts."""


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


class FencedTable(faust.Table[Any, Any]):
    """A table that writes only to partitions it has taken over.

    Attributes
    ----------
    epochs
        By partition, the epoch in which this worker writes to it.
    check
        Is given every value that is read from the changelog; raises if it cannot be used.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.extra_topic_configs = {**COMPACTION_LAG, **self.extra_topic_configs}
        self.epochs: dict[int, Epoch] = {}
        self.check: Callable[[bytes], object] = len

    def _new_store_by_url(self, url: Any) -> Any:
        store: Any = super()._new_store_by_url(url)
        if not isinstance(store, memory.Store):
            store.rocksdb_options = ShardOptions(**store.options, use_rocksdict=True)
        return store

    def send_changelog(
        self,
        partition: int | None,
        key: Any,
        value: Any,
        key_serializer: Any = None,
        value_serializer: Any = None,
    ) -> Any:
        """Hand a write to the producer, with the epoch in which it was *made*.

        A write that is sent when the partition has been lost and won again is still one of before.

        Raises
        ------
        LookupError
            If this worker has not taken the partition over.
        """
        epoch = self._epoch(partition)
        topic: Any = self.changelog_topic
        return topic.send_soon(
            key=key,
            value=value,
            partition=partition,
            headers=[epoch.header],
            key_serializer=key_serializer or self.key_serializer,
            value_serializer=value_serializer or self.value_serializer,
            eager_partitioning=True,
        )

    def on_key_set(self, key: Any, value: Any) -> None:
        """Send the write; in memory, note whose key it is (Faust knows only recovered ones)."""
        super().on_key_set(key, value)
        store: Any = self.data
        owner: Any = self.partition_for_key(key)
        if isinstance(store, memory.Store):
            store._key_partition[key] = owner

    def on_key_del(self, key: Any) -> None:
        """Send the deletion."""
        super().on_key_del(key)
        store: Any = self.data
        if isinstance(store, memory.Store):
            store._key_partition.pop(key, None)

    def drop(self, partition: int) -> None:
        """Forget what is known of a partition; its changelog is not touched."""
        self.epochs.pop(partition, None)
        store: Any = self.data
        if isinstance(store, memory.Store):
            for key in [k for k, owner in store._key_partition.items() if owner == partition]:
                store.data.pop(key, None)
                del store._key_partition[key]
            return
        database = store._dbs.pop(partition, None)
        if database is not None:
            database.close()
        with suppress(FileNotFoundError):
            shutil.rmtree(store.partition_path(partition))

    async def write(
        self, partition: int, changes: Sequence[tuple[bytes, bytes | None]], epoch: Epoch
    ) -> None:
        """Make changes (None deletes) in a table of bytes: in the changelog, and then here.

        Returns once the producer has them, in this order; its next flush waits for their delivery.

        Parameters
        ----------
        partition, changes
            Where, and what.
        epoch
            The partition's `version` when that was read on which the changes rest.

        Raises
        ------
        LookupError
            If the partition is not this worker's, or was lost since then, be it won again.
        ProducerSendError
            If a record is too large; nothing is changed then.
        """
        self._check_still(partition, epoch)
        topic: Any = self.changelog_topic
        name = topic.get_topic_name()
        producer: Any = self.app.producer
        headers = [epoch.header]
        records = [(key, value, headers) for key, value in changes]
        await producer.send_many(name, partition, records)
        self._check_still(partition, epoch)
        store: Any = self.data
        if isinstance(store, memory.Store):
            for key, value in changes:
                if value is None:
                    store.data.pop(key, None)
                    store._key_partition.pop(key, None)
                else:
                    store.data[key] = value
                    store._key_partition[key] = partition
            return
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in changes:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        store._db_for_partition(partition).write(batch, _UNLOGGED)

    def _epoch(self, partition: int | None) -> Epoch:
        if partition is None or partition not in self.epochs:
            raise LookupError(f"{self.name}: partition {partition} is not this worker's")
        return self.epochs[partition]

    def _check_still(self, partition: int, epoch: Epoch) -> None:
        if self._epoch(partition) != epoch:
            raise LookupError(f"{self.name}: partition {partition} was taken over meanwhile")

    def version(self, partition: int) -> Epoch | None:
        """The epoch of this worker's ownership; another one after each take-over."""
        return self.epochs.get(partition)

    def stored_keys(self, partition: int) -> list[bytes]:
        """All keys of a partition in a table of bytes."""
        store: Any = self.data
        if isinstance(store, memory.Store):
            return [key for key, owner in store._key_partition.items() if owner == partition]
        keys = store._db_for_partition(partition).keys()
        return [key for key in keys if key != store.offset_key]

    def stored(self, partition: int, key: bytes) -> bytes | None:
        """Give the value of a key as the changelog has both: in bytes."""
        store: Any = self.data
        if not isinstance(store, memory.Store):
            value: bytes | None = store._db_for_partition(partition).get(key)
            return value
        serializers: Any = self.app.serializers
        known = serializers.loads_key(self.key_type, key, serializer=self.key_serializer)
        known = self._to_key(known)  # of a windowed table, a list in the changelog
        if known not in store.data:
            return None
        found: bytes | None = serializers.dumps_value(
            self.value_type, store.data[known], serializer=self.value_serializer
        )
        return found
