package gridstress;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * The same work in Flink's DataStream API, a record a node and time, as its own documentation
 * writes it.
 *
 * <ul>
 *   <li>A Kafka source with event time from Kafka's timestamps and monotonous watermarks by
 *       partition; {@code map} and {@code filter} for detection, {@code flatMap} and {@code keyBy}
 *       a model; stress events go to a topic as well, but are not read back.
 *   <li>Tumbling windows as long as the step, and sliding windows over their sums, as the
 *       documentation puts windows one after the other: a stress changes one window instead of six.
 *   <li>The sliding windows have an incremental {@code aggregate} and a process function that adds
 *       the window's end and the risk: a result when a window closes, at the end of a bounded
 *       source also of those that are still open.
 *   <li>Settings and what they brought: {@link FlinkJob}.
 * </ul>
 */
public final class FlinkRecords extends FlinkPeer {
  /** A node's stress, its own or what has reached it. */
  public record Stress(String node, double timestamp, double stress) {
    Stress plus(Stress other) {
      return new Stress(node, timestamp, stress + other.stress);
    }
  }

  /** A node's stress and risk in the window that ends at {@code windowEnd}, epoch ms. */
  public record Risk(String node, long windowEnd, double stress, double risk) {}

  private FlinkRecords(Task task) {
    super(task);
  }

  /** Does the task in the file that is the only argument. */
  public static void main(String[] arguments) {
    Peer.main(arguments, FlinkRecords::new);
  }

  @Override
  public void put(ConsumerRecord<byte[], byte[]> result, Windows windows) {
    Risk risk = Json.read(result.value(), Risk.class);
    windows.put(risk.node, risk.windowEnd / 1000, risk.stress);
  }

  @Override
  protected void define(FlinkJob job) {
    Duration size = Duration.ofSeconds(task.sizeS());
    Duration step = Duration.ofSeconds(task.stepS());
    DataStream<Stress> stress =
        job.measurements(
                new MeasurementSchema(), WatermarkStrategy.forMonotonousTimestamps(), one -> 1)
            .map(new Detection(task))
            .filter(event -> event.stress > 0);
    stress.sinkTo(
        job.sink(task.stressTopic(), event -> bytes(event.node), new FlinkJob.JsonSchema<>()));
    task.reach()
        .forEach(
            (model, reach) ->
                stress
                    .flatMap(new Propagation(reach))
                    .keyBy(Stress::node)
                    .window(TumblingEventTimeWindows.of(step))
                    .reduce(Stress::plus)
                    .keyBy(Stress::node)
                    .window(SlidingEventTimeWindows.of(size, step))
                    .aggregate(new Sum(), new ToRisk())
                    .sinkTo(
                        job.sink(
                            task.resultsTopic(model),
                            risk -> bytes(risk.node),
                            new FlinkJob.JsonSchema<>())));
  }

  private static byte[] bytes(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }

  private static final class MeasurementSchema extends AbstractDeserializationSchema<Measurement> {
    @Override
    public Measurement deserialize(byte[] value) {
      return Json.read(value, Measurement.class);
    }
  }

  private static final class Detection implements MapFunction<Measurement, Stress> {
    private final Task task;
    private final Map<String, Double> ratings;

    Detection(Task task) {
      this.task = task;
      this.ratings = task.ratingOf();
    }

    @Override
    public Stress map(Measurement one) {
      double stress = task.stress(one.loadMw(), ratings.get(one.node()));
      return new Stress(one.node(), one.timestamp(), stress);
    }
  }

  private record Propagation(Map<String, List<Task.Reached>> reach)
      implements FlatMapFunction<Stress, Stress> {
    @Override
    public void flatMap(Stress event, Collector<Stress> out) {
      for (Task.Reached reached : reach.get(event.node)) {
        out.collect(
            new Stress(reached.node(), event.timestamp, event.stress * reached.influence()));
      }
    }
  }

  private static final class Sum implements AggregateFunction<Stress, Double, Double> {
    @Override
    public Double createAccumulator() {
      return 0.0;
    }

    @Override
    public Double add(Stress event, Double sum) {
      return sum + event.stress;
    }

    @Override
    public Double getResult(Double sum) {
      return sum;
    }

    @Override
    public Double merge(Double one, Double other) {
      return one + other;
    }
  }

  private static final class ToRisk
      extends ProcessWindowFunction<Double, Risk, String, TimeWindow> {
    @Override
    public void process(String node, Context context, Iterable<Double> sums, Collector<Risk> out) {
      double stress = sums.iterator().next();
      out.collect(new Risk(node, context.window().getEnd(), stress, Task.risk(stress)));
    }
  }
}
