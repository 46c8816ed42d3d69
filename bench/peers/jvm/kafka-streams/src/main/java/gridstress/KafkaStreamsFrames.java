package gridstress;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.StreamPartitioner;

/**
 * The same work in Kafka Streams, a frame of a zone at a time, with arrays as values.
 *
 * <p>As {@link KafkaStreamsRecords}, with these differences:
 *
 * <ul>
 *   <li>A frame's stress goes to all partitions of one repartition topic, by a partitioner that
 *       names them all; a partition is a shard of the nodes. Stress is sparse and what it spreads
 *       to is not, so it is spread there. A frame without stress goes there too: it moves time.
 *   <li>The DSL's hopping windows would update six arrays a row, and go by the newest time of any
 *       zone, so windows are a processor of the Processor API, which the documentation names for
 *       what the DSL lacks: {@link ShardWindows}, with panes in a store. It forwards a window once,
 *       when it closes, without the nodes that have no stress.
 *   <li>The cache is the default of 10 MB: the panes that are open fit into it.
 *   <li>The producers are as by default. With lz4 and batches of 256 KB, two runs took 1.28 and 1.17
 *       s of processor time and the broker 0.65 and 0.56 s; without, 1.25 and 0.55 s (2,000 nodes,
 *       1,000 hours).
 *   <li>In the same heap of 512 MB, five passes over 1,000 hours of 2,000 nodes had no full
 *       collection, and pauses of 4 % of the time.
 * </ul>
 */
public final class KafkaStreamsFrames extends StreamsPeer {
  private static final Serde<StressFrame> STRESS =
      Serdes.serdeFrom(
          (topic, frame) -> frame.encode(), (topic, bytes) -> StressFrame.decode(bytes));
  private static final Serde<RiskFrame> RISK =
      Serdes.serdeFrom((topic, frame) -> frame.encode(), (topic, bytes) -> RiskFrame.decode(bytes));

  private KafkaStreamsFrames(Task task) {
    super(task);
  }

  /** Does the task in the file that is the only argument. */
  public static void main(String[] arguments) {
    Peer.main(arguments, KafkaStreamsFrames::new);
  }

  @Override
  protected Topology topology(Progress progress) throws IOException {
    Map<String, Integer> indexOf = task.indexOf();
    Set<String> zones = task.zones();
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, StressFrame> stress =
        builder.stream(
                task.source(), Consumed.with(Serdes.String(), JsonSerde.of(MeasurementFrame.class)))
            .mapValues(
                frame -> {
                  progress.count(frame.measurements());
                  return StressFrame.of(frame, task, indexOf);
                });
    stress
        .filter((zone, frame) -> frame.nodes().length > 0)
        .to(task.stressTopic(), Produced.with(Serdes.String(), STRESS));
    KStream<String, StressFrame> atShards =
        stress.repartition(
            Repartitioned.with(Serdes.String(), STRESS)
                .withName("shards")
                .withStreamPartitioner(toAll(task.partitions())));
    for (String model : task.models()) {
      atShards
          .process(ShardWindows.supplier(task, zones, model))
          .to(task.resultsTopic(model), Produced.with(Serdes.Integer(), RISK));
    }
    return builder.build();
  }

  @SuppressWarnings("removal") // it is still the interface's only abstract method
  private static StreamPartitioner<String, StressFrame> toAll(int partitions) {
    Set<Integer> all = IntStream.range(0, partitions).boxed().collect(Collectors.toSet());
    return (topic, zone, frame, count) -> Optional.of(all);
  }

  @Override
  public void put(ConsumerRecord<byte[], byte[]> result, Windows windows) {
    windows.put(RiskFrame.decode(result.value()));
  }
}
