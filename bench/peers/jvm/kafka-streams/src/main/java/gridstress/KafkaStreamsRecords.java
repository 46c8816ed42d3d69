package gridstress;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * The same work in Kafka Streams, a record a node and time, as its own documentation writes it.
 *
 * <p>How it follows the documentation:
 *
 * <ul>
 *   <li>One topology of the DSL: {@code mapValues}, {@code filter} and {@code to} for detection;
 *       for each model {@code flatMap}, {@code groupByKey} over a repartition topic, hopping {@code
 *       windowedBy}, {@code reduce}. Stress goes on within the task and is not read back from its
 *       topic.
 *   <li>Event time is the timestamp of a record, which windows use by default.
 *   <li>Exactly-once, windows in RocksDB with changelogs. A result counts when it is committed.
 *   <li>Results are emitted when a window is updated, and the grace is as long as the data, so no
 *       window closes. Stream time is that of the newest record of a partition, and the tasks that
 *       write a repartition topic read their partitions at different speeds. With {@code
 *       EmitStrategy.onWindowClose()} and an hour of grace, 21,139 of 192,000 values of 48 hours
 *       were wrong or missing.
 *   <li>As many threads as cores, as the guides advise for use of all cores.
 *   <li>A cache of 256 MB instead of 10, so that all windows fit into it: the guides name the cache
 *       as what keeps updates of the same key from RocksDB, the changelog and the results.
 *   <li>The commit interval is the default of exactly-once, 100 ms. The RocksDB stores, the
 *       producers and {@code topology.optimization} are as by default too.
 *   <li>A heap of 512 MB ({@code java.args}): the smallest of 512 MB, 1 GB and 2 GB; five passes
 *       over 480 hours of 2,000 nodes had no full collection, and pauses of 8 % of the time.
 * </ul>
 *
 * <p>Threads, cache and commit interval made no difference near a factor of two in trials on a busy
 * machine, so no figures of them are given.
 */
public final class KafkaStreamsRecords extends StreamsPeer {
  /** A node's stress and risk in the window that ends at {@code end} (epoch seconds). */
  record Result(String node, long end, double stress, double risk) {}

  private KafkaStreamsRecords(Task task) {
    super(task);
  }

  /** Does the task in the file that is the only argument. */
  public static void main(String[] arguments) {
    Peer.main(arguments, KafkaStreamsRecords::new);
  }

  @Override
  protected Properties settings() {
    Properties settings = new Properties();
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
    return settings;
  }

  @Override
  protected Topology topology(Progress progress) {
    Map<String, Double> ratings = task.ratingOf();
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, Double> stress =
        builder.stream(
                task.source(), Consumed.with(Serdes.String(), JsonSerde.of(Measurement.class)))
            .mapValues(
                measurement -> {
                  progress.count(1);
                  return task.stress(measurement.loadMw(), ratings.get(measurement.node()));
                })
            .filter((node, value) -> value > 0);
    stress.to(task.stressTopic(), Produced.with(Serdes.String(), Serdes.Double()));
    task.models().forEach(model -> addModel(model, stress));
    return builder.build();
  }

  private void addModel(String model, KStream<String, Double> stress) {
    Map<String, List<Task.Reached>> reach = task.reach().get(model);
    Duration size = Duration.ofSeconds(task.sizeS());
    Duration step = Duration.ofSeconds(task.stepS());
    Duration grace = step.multipliedBy(task.windows());
    stress
        .flatMap(
            (source, value) ->
                reach.get(source).stream()
                    .map(to -> KeyValue.pair(to.node(), value * to.influence()))
                    .toList())
        .groupByKey(Grouped.with(model, Serdes.String(), Serdes.Double()))
        .windowedBy(TimeWindows.ofSizeAndGrace(size, grace).advanceBy(step))
        .reduce(Double::sum, Materialized.as(model))
        .toStream()
        .map(
            (window, sum) -> {
              String node = window.key();
              long end = window.window().endTime().getEpochSecond();
              return KeyValue.pair(node, new Result(node, end, sum, Task.risk(sum)));
            })
        .to(task.resultsTopic(model), Produced.with(Serdes.String(), JsonSerde.of(Result.class)));
  }

  @Override
  public void put(ConsumerRecord<byte[], byte[]> result, Windows windows) throws IOException {
    Result found = Json.MAPPER.readValue(result.value(), Result.class);
    windows.put(found.node(), found.end(), found.stress());
  }
}
