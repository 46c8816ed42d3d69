package gridstress;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Committed results, read back from the topics that a peer wrote them to. */
public final class Results {
  /** What is done with each result. */
  @FunctionalInterface
  public interface Taker {
    void accept(ConsumerRecord<byte[], byte[]> result) throws IOException;
  }

  static final Duration POLL = Duration.ofMillis(100);

  private Results() {}

  /** Offsets behind the last committed results of all models: where the next pass begins. */
  public static Map<TopicPartition, Long> ends(Task task) {
    try (var consumer = consumer(task)) {
      return consumer.endOffsets(partitions(task));
    }
  }

  /** Gives one model's committed results from these offsets on, each partition in its order. */
  public static void read(Task task, String model, Map<TopicPartition, Long> from, Taker take)
      throws IOException {
    try (var consumer = consumer(task)) {
      List<TopicPartition> mine = new ArrayList<>(partitions(task));
      mine.removeIf(partition -> !partition.topic().equals(task.resultsTopic(model)));
      consumer.assign(mine);
      mine.forEach(partition -> consumer.seek(partition, from.get(partition)));
      Map<TopicPartition, Long> ends = consumer.endOffsets(mine);
      while (mine.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
        for (var record : consumer.poll(POLL)) {
          take.accept(record);
        }
      }
    }
  }

  /** Partitions of the results of all models. */
  public static List<TopicPartition> partitions(Task task) {
    List<TopicPartition> partitions = new ArrayList<>();
    for (String model : task.models()) {
      for (int number = 0; number < task.partitions(); number++) {
        partitions.add(new TopicPartition(task.resultsTopic(model), number));
      }
    }
    return partitions;
  }

  static KafkaConsumer<byte[], byte[]> consumer(Task task) {
    Properties settings = new Properties();
    settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, task.bootstrap());
    settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    settings.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 8 << 20);
    return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }
}
