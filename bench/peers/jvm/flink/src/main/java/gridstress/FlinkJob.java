package gridstress;

import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * A job in a mini-cluster of its own, with what both Flink programs are made of.
 *
 * <p>Set as Flink's guides say. Figures are of trials with 2,000 nodes on two cores that had much
 * else to do, so only effects of a factor of two or more are given; times are the JVM's processor
 * time per node-measurement.
 *
 * <ul>
 *   <li>Exactly once: Kafka transactions are committed when a checkpoint is complete, and only then
 *       results can be read, so the checkpoint interval is most of the latency. Frames of 57 nodes:
 *       1 s gave p50 536 ms, p99 1,128 ms; 200 ms, with the shorter watermark interval and buffer
 *       timeout below, 173 ms and 400 ms. A bounded job makes its last checkpoint at once.
 *   <li>Parallelism 1: with frames 0.43 µs, with 2 1.1 µs. Source and windows have threads of their
 *       own, and the broker needs a core too.
 *   <li>State on the heap, which the guides advise while it fits: with records 9 µs, in RocksDB 26
 *       µs. (Both with parallelism 2.)
 *   <li>Object reuse, as the functions keep no element and change none.
 *   <li>Watermark interval and buffer timeout are shorter than by default (200 ms, 100 ms) because
 *       they add to the latency.
 *   <li>No Kryo: all elements are Java records of types that Flink has serializers for.
 *   <li>Transaction names are reused (pooling), which spares the broker.
 *   <li>A heap of 512 MB ({@code java.args}): the smallest of 512 MB, 1 GB and 2 GB; five passes,
 *       of 480 hours of records or 1,000 of frames, had no full collection, and pauses of 4 to 6 %
 *       of the time.
 * </ul>
 *
 * <p>Not set: slots, managed memory (the heap backend uses none), watermark alignment and idleness
 * (all partitions have data, and an idle one would let rows come late). The DataStream API has no
 * mini-batch; that is of SQL.
 */
final class FlinkJob {
  private static final Duration CHECKPOINTS = Duration.ofMillis(200);
  private static final Duration WATERMARKS = Duration.ofMillis(20);
  private static final Duration BUFFERS = Duration.ofMillis(10);
  private static final int PARALLELISM = 1;

  private final Task task;
  private final String name;
  private final StreamExecutionEnvironment env;

  FlinkJob(Task task, int pass) {
    this.task = task;
    this.name = task.name() + "-" + pass;
    String directory = task.file("checkpoints-" + pass).toUri().toString();
    Configuration settings = new Configuration();
    settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINTS);
    settings.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
    settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, directory);
    settings.set(CheckpointingOptions.SAVEPOINT_DIRECTORY, directory);
    settings.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    settings.set(PipelineOptions.OBJECT_REUSE, true);
    settings.set(PipelineOptions.GENERIC_TYPES, false); // an error where Kryo would be used
    settings.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, WATERMARKS);
    settings.set(ExecutionOptions.BUFFER_TIMEOUT, BUFFERS);
    settings.set(RestartStrategyOptions.RESTART_STRATEGY, "none"); // it would hide a fault
    this.env = StreamExecutionEnvironment.createLocalEnvironment(PARALLELISM, settings);
  }

  /** Starts it. */
  JobClient start() throws Exception {
    return env.executeAsync(name);
  }

  /**
   * The measurements, counted as they come; unless they are live, the stream ends.
   *
   * @param measurements how many a record has
   */
  <T> DataStream<T> measurements(
      DeserializationSchema<T> schema,
      WatermarkStrategy<T> watermarks,
      Watch.Measurements<T> measurements) {
    var source =
        KafkaSource.<T>builder()
            .setBootstrapServers(task.bootstrap())
            .setTopics(task.source())
            .setGroupId(name)
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setValueOnlyDeserializer(schema);
    if (!task.live()) {
      source.setBounded(OffsetsInitializer.latest());
    }
    DataStream<T> stream = env.fromSource(source.build(), watermarks, "measurements");
    return stream.map(new Watch<>(task, measurements)).returns(stream.getType());
  }

  /** A sink whose records can be read when their checkpoint is complete. */
  <T> KafkaSink<T> sink(String topic, SerializationSchema<T> key, SerializationSchema<T> value) {
    return KafkaSink.<T>builder()
        .setBootstrapServers(task.bootstrap())
        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .setTransactionalIdPrefix(name + topic.substring(task.name().length()))
        .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
        // Its default, an hour, is more than a broker allows by its own.
        .setProperty("transaction.timeout.ms", "600000")
        .setRecordSerializer(
            KafkaRecordSerializationSchema.<T>builder()
                .setTopic(topic)
                .setKeySerializationSchema(key)
                .setValueSerializationSchema(value)
                .build())
        .build();
  }

  /** Elements as JSON; a class, as the connector cannot tell the type of a lambda. */
  static final class JsonSchema<T> implements SerializationSchema<T> {
    @Override
    public byte[] serialize(T element) {
      return Json.bytes(element);
    }
  }
}
