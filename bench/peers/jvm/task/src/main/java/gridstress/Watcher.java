package gridstress;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** Notes, in a live run, when the last result that a row caused could be read. */
public final class Watcher {
  private final Task task;
  private final ToLongFunction<ConsumerRecord<byte[], byte[]>> causeS;
  private final Map<Long, Double> seen = new TreeMap<>();
  private final Thread thread = new Thread(this::watch, "watcher");
  private volatile Map<TopicPartition, Long> until = Map.of();
  private volatile Throwable failure;

  /**
   * Begins to watch the results of all models.
   *
   * @param causeS event time, in epoch seconds, of the row that caused a result
   */
  public static Watcher start(Task task, ToLongFunction<ConsumerRecord<byte[], byte[]>> causeS) {
    Watcher watcher = new Watcher(task, causeS);
    watcher.thread.start();
    return watcher;
  }

  private Watcher(Task task, ToLongFunction<ConsumerRecord<byte[], byte[]>> causeS) {
    this.task = task;
    this.causeS = causeS;
    thread.setDaemon(true);
  }

  /** Reads what has been committed up to now, then writes {@code seen.json}. */
  public void finish() throws IOException, InterruptedException {
    until = Results.ends(task);
    thread.join();
    if (failure != null) {
      throw new IllegalStateException("the results could not be watched", failure);
    }
    Json.save(task.file("seen.json"), seen);
  }

  private void watch() {
    try (var consumer = Results.consumer(task)) {
      consumer.assign(Results.partitions(task));
      while (!finished(consumer)) {
        var records = consumer.poll(Results.POLL);
        double nowS = Progress.nowS();
        records.forEach(record -> seen.put(causeS.applyAsLong(record), nowS));
      }
    } catch (RuntimeException error) {
      failure = error;
    }
  }

  private boolean finished(KafkaConsumer<byte[], byte[]> consumer) {
    return !until.isEmpty()
        && until.entrySet().stream().allMatch(e -> consumer.position(e.getKey()) >= e.getValue());
  }
}
