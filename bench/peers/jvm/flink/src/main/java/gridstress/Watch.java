package gridstress;

import java.io.IOException;
import java.io.Serializable;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.state.CheckpointListener;

/**
 * Counts measurements as they pass. The first checkpoint that is complete says that a live job has
 * its partitions.
 */
final class Watch<T> implements MapFunction<T, T>, CheckpointListener {
  private final Task task;
  private final Measurements<T> measurements;

  /** How many measurements a record has. */
  @FunctionalInterface
  interface Measurements<T> extends Serializable {
    long of(T record);
  }

  Watch(Task task, Measurements<T> measurements) {
    this.task = task;
    this.measurements = measurements;
  }

  @Override
  public T map(T record) {
    FlinkPeer.progress().count(measurements.of(record));
    return record;
  }

  @Override
  public void notifyCheckpointComplete(long checkpoint) throws IOException {
    if (task.live()) {
      task.ready();
    }
  }
}
