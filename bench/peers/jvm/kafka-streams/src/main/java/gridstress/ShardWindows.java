package gridstress;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Set;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Hopping windows of the nodes of a shard, which is the partition. Stress is spread and summed into
 * panes, as long as the step; a window is the sum of its panes, and is forwarded once, when all
 * zones have reached its end.
 */
final class ShardWindows extends ContextualProcessor<String, StressFrame, Integer, RiskFrame> {
  private static final Serde<double[]> DOUBLES =
      Serdes.serdeFrom((topic, values) -> encode(values), (topic, bytes) -> decode(bytes));

  private final Task task;
  private final Influence influence;
  private final Set<String> zones;
  private final String model;

  /** By the pane's end in epoch seconds, stress-hours of shape (nodes of the shard). */
  private KeyValueStore<Long, double[]> panes;

  /** By zone, epoch seconds of its newest row; the end of time if it has no data any more. */
  private KeyValueStore<String, Long> times;

  private int shard;

  private ShardWindows(Task task, Influence influence, Set<String> zones, String model) {
    this.task = task;
    this.influence = influence;
    this.zones = zones;
    this.model = model;
  }

  /** Gives a model's windows, with their stores. */
  static ProcessorSupplier<String, StressFrame, Integer, RiskFrame> supplier(
      Task task, Set<String> zones, String model) {
    Influence influence = Influence.of(task, model);
    return new ProcessorSupplier<>() {
      @Override
      public ShardWindows get() {
        return new ShardWindows(task, influence, zones, model);
      }

      @Override
      public Set<StoreBuilder<?>> stores() {
        return Set.of(
            store(model + "-panes", Serdes.Long(), DOUBLES),
            store(model + "-times", Serdes.String(), Serdes.Long()));
      }
    };
  }

  private static <K, V> StoreBuilder<?> store(String name, Serde<K> keys, Serde<V> values) {
    return Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), keys, values)
        .withCachingEnabled();
  }

  @Override
  public void init(ProcessorContext<Integer, RiskFrame> context) {
    super.init(context);
    panes = context.getStateStore(model + "-panes");
    times = context.getStateStore(model + "-times");
    shard = context.taskId().partition();
  }

  @Override
  public void process(Record<String, StressFrame> record) {
    StressFrame frame = record.value();
    if (influence.reaches(shard, frame.nodes())) {
      add(frame);
    }
    long beforeS = reachedS();
    long[] timesS = frame.timesS();
    times.put(frame.zone(), frame.last() ? Long.MAX_VALUE : timesS[timesS.length - 1]);
    long nowS = reachedS();
    if (nowS > beforeS) {
      close(beforeS, nowS);
    }
  }

  private void add(StressFrame frame) {
    int stepS = task.stepS();
    for (int row = 0; row < frame.timesS().length; row++) {
      long endS = Math.floorDiv(frame.timesS()[row], stepS) * stepS + stepS;
      double[] pane = panes.get(endS);
      if (pane == null) {
        pane = new double[influence.size(shard)];
      }
      frame.spread(row, influence, shard, pane);
      panes.put(endS, pane);
    }
  }

  /** The time that all zones have reached; 0 while there is none. */
  private long reachedS() {
    long reachedS = Long.MAX_VALUE;
    for (String zone : zones) {
      Long timeS = times.get(zone);
      reachedS = Math.min(reachedS, timeS == null ? 0 : timeS);
    }
    return reachedS;
  }

  /** Forwards the windows that end after {@code beforeS} and up to {@code nowS}. */
  private void close(long beforeS, long nowS) {
    int stepS = task.stepS();
    long firstS = Math.floorDiv(beforeS, stepS) * stepS + stepS;
    long lastS;
    try (var ascending = panes.all();
        var descending = panes.reverseAll()) {
      if (!ascending.hasNext()) {
        return;
      }
      firstS = Math.max(firstS, ascending.peekNextKey());
      lastS = Math.min(nowS, descending.peekNextKey() + task.sizeS() - stepS);
    }
    for (long endS = firstS; endS <= lastS; endS += stepS) {
      RiskFrame risk = RiskFrame.of(shard, influence.shards(), endS, sum(endS));
      context().forward(new Record<>(shard, risk, endS * 1000));
      panes.delete(endS - task.sizeS() + stepS);
    }
  }

  private double[] sum(long endS) {
    double[] stress = new double[influence.size(shard)];
    for (long paneS = endS - task.sizeS() + task.stepS(); paneS <= endS; paneS += task.stepS()) {
      double[] pane = panes.get(paneS);
      if (pane != null) {
        Arrays.setAll(stress, i -> stress[i] + pane[i]);
      }
    }
    return stress;
  }

  private static byte[] encode(double[] values) {
    if (values == null) {
      return null;
    }
    ByteBuffer bytes = ByteBuffer.allocate(Double.BYTES * values.length);
    bytes.asDoubleBuffer().put(values);
    return bytes.array();
  }

  private static double[] decode(byte[] value) {
    if (value == null) {
      return null;
    }
    double[] values = new double[value.length / Double.BYTES];
    ByteBuffer.wrap(value).asDoubleBuffer().get(values);
    return values;
  }
}
