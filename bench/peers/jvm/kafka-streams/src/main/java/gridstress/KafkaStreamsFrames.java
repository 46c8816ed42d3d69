package gridstress;

import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.StreamPartitioner;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The same work in Kafka Streams, a frame of a zone at a time, with arrays as values.
 *
 * <p>As {@link KafkaStreamsRecords}, with these differences:
 *
 * <ul>
 *   <li>A frame's stress is spread by a model at once, into a block for each shard, which is the
 *       key; a shard has a partition of its own.
 *   <li>Behind the repartition topic a block is taken apart into rows, each with its own event time
 *       ({@code processValues}), as hopping windows go by the time of a record.
 *   <li>A window is an array of the shard's stress; so are the results.
 * </ul>
 *
 * <p>What was tried, on 2,000 nodes and 1,000 hours: the least processor time of seven passes, of
 * the peer and of the broker, one run each, on a machine that others kept busy. It is to be
 * measured again on a quiet one.
 *
 * <ul>
 *   <li>256 MB of cache, one thread, a commit every 100 ms: 1.71 and 1.10 s. Defaults, with 10 MB:
 *       1.64 s for the peer, so the cache is not shown to help; the broker was shared in that run.
 *   <li>With that cache, lz4 in batches of 256 KB: 1.43 and 0.49 s. The broker's time was less in
 *       every pass (0.49 to 1.08 s, before 1.10 to 1.85 s); set.
 *   <li>With that cache, two threads: 1.60 and 1.04 s; a commit every 300 ms: 1.35 and 0.90 s;
 *       every second: 1.61 and 1.24 s. These do not differ by more than passes do. There are as
 *       many threads as cores, as the guides advise, and a commit every 100 ms, the default.
 *   <li>Not tried: RocksDB's own settings; panes that are summed once instead of six windows a row.
 * </ul>
 */
public final class KafkaStreamsFrames implements StreamsPeer.Application {
  private final Task task;

  private KafkaStreamsFrames(Task task) {
    this.task = task;
  }

  /** Does one task. */
  public static void main(String[] arguments) {
    Peer.main(arguments, task -> StreamsPeer.run(task, new KafkaStreamsFrames(task)));
  }

  @Override
  public Properties settings() {
    Properties settings = new Properties();
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(
        StreamsConfig.NUM_STREAM_THREADS_CONFIG, Runtime.getRuntime().availableProcessors());
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    return settings;
  }

  @Override
  public Topology topology(Progress progress) {
    Map<String, Integer> indexOf = task.indexOf();
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, Block> stress =
        builder.stream(
                task.source(), Consumed.with(Serdes.String(), JsonSerde.of(MeasurementFrame.class)))
            .mapValues(
                frame -> {
                  progress.count(frame.measurements());
                  return stress(frame, indexOf);
                })
            .filter((zone, block) -> block.nodes().length > 0);
    stress.to(task.stressTopic(), Produced.with(Serdes.String(), Block.SERDE));
    task.models().forEach(model -> addModel(model, stress));
    return builder.build();
  }

  private void addModel(String model, KStream<String, Block> stress) {
    Influence influence = Influence.of(task, model);
    int shards = task.partitions();
    Duration size = Duration.ofSeconds(task.sizeS());
    Duration step = Duration.ofSeconds(task.stepS());
    Duration grace = step.multipliedBy(task.windows());
    stress
        .flatMap(
            (zone, block) ->
                IntStream.range(0, shards)
                    .mapToObj(shard -> KeyValue.pair(shard, block.spread(influence, shard)))
                    .filter(part -> part.value.nodes().length > 0)
                    .toList())
        .repartition(
            Repartitioned.with(Serdes.Integer(), Block.SERDE)
                .withName(model)
                .withStreamPartitioner(byShard()))
        .processValues(RowsOfBlock::new)
        .groupByKey(Grouped.keySerde(Serdes.Integer()))
        .windowedBy(TimeWindows.ofSizeAndGrace(size, grace).advanceBy(step))
        .aggregate(
            () -> new double[0],
            (shard, row, sums) ->
                row.addTo(sums.length > 0 ? sums : new double[influence.size(shard)]),
            Materialized.<Integer, double[], WindowStore<Bytes, byte[]>>as(model)
                .withKeySerde(Serdes.Integer())
                .withValueSerde(ShardResult.DOUBLES))
        .toStream()
        .map(
            (window, sums) ->
                KeyValue.pair(
                    window.key(), ShardResult.of(window.window().endTime().getEpochSecond(), sums)))
        .to(
            task.resultsTopic(model),
            Produced.with(Serdes.Integer(), ShardResult.SERDE, byShard()));
  }

  /** Every shard has the partition of its number. */
  @SuppressWarnings("removal") // it is still the interface's only abstract method
  private static <V> StreamPartitioner<Integer, V> byShard() {
    return (topic, shard, value, partitions) -> Optional.of(Set.of(shard));
  }

  /** The stressed nodes of a frame. */
  private Block stress(MeasurementFrame frame, Map<String, Integer> indexOf) {
    int rows = frame.timestamps().size();
    int columns = frame.nodes().size();
    int[] nodes = new int[columns];
    double[] stress = new double[columns * rows];
    int stressed = 0;
    for (int column = 0; column < columns; column++) {
      int node = indexOf.get(frame.nodes().get(column));
      double highest = 0;
      for (int row = 0; row < rows; row++) {
        double value = task.stress(frame.loadMw()[row][column], task.ratingsMw()[node]);
        stress[stressed * rows + row] = value;
        highest = Math.max(highest, value);
      }
      if (highest > 0) {
        nodes[stressed++] = node;
      }
    }
    return new Block(
        frame.timesS(), Arrays.copyOf(nodes, stressed), Arrays.copyOf(stress, stressed * rows));
  }

  @Override
  public void put(ConsumerRecord<byte[], byte[]> record, Windows windows) {
    int shard = Serdes.Integer().deserializer().deserialize(record.topic(), record.key());
    ShardResult result = ShardResult.SERDE.deserializer().deserialize(null, record.value());
    for (int number = 0; number < result.stress().length; number++) {
      windows.put(number * task.partitions() + shard, result.endS(), result.stress()[number]);
    }
  }
}
