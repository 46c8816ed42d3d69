package gridstress;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;

/** What one application of Kafka Streams has committed. */
final class Commits {
  private final String application;
  private final Admin admin;
  private final List<TopicPartition> inputs = new ArrayList<>();
  private final List<TopicPartition> results;

  /** Looks at the source, at the application's repartition topics, and at the results. */
  Commits(Task task, String application, Admin admin)
      throws InterruptedException, ExecutionException {
    this.application = application;
    this.admin = admin;
    this.results = Results.partitions(task);
    List<String> topics = new ArrayList<>(List.of(task.source()));
    for (String topic : admin.listTopics().names().get()) {
      if (topic.startsWith(application + "-") && topic.endsWith("-repartition")) {
        topics.add(topic);
      }
    }
    for (String topic : topics) {
      for (int number = 0; number < task.partitions(); number++) {
        inputs.add(new TopicPartition(topic, number));
      }
    }
  }

  /** Whether all inputs have been read to their ends, and all results can be read. */
  boolean complete() throws InterruptedException, ExecutionException {
    // First the offsets, then the ends: what has been committed has no output behind these ends.
    var offsets = admin.listConsumerGroupOffsets(application).partitionsToOffsetAndMetadata().get();
    for (var end : ends(inputs, IsolationLevel.READ_UNCOMMITTED).entrySet()) {
      var offset = offsets.get(end.getKey());
      if ((offset == null ? 0 : offset.offset()) < end.getValue()) {
        return false;
      }
    }
    return ends(results, IsolationLevel.READ_COMMITTED)
        .equals(ends(results, IsolationLevel.READ_UNCOMMITTED));
  }

  private Map<TopicPartition, Long> ends(List<TopicPartition> partitions, IsolationLevel level)
      throws InterruptedException, ExecutionException {
    var latest = partitions.stream().collect(Collectors.toMap(p -> p, p -> OffsetSpec.latest()));
    Map<TopicPartition, ListOffsetsResultInfo> found =
        admin.listOffsets(latest, new ListOffsetsOptions(level)).all().get();
    return found.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().offset()));
  }
}
