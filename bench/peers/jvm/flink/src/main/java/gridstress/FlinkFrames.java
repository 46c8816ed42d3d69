package gridstress;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * The same work in Flink's DataStream API, a frame of a zone at a time, with arrays.
 *
 * <p>Stress is sparse and what it spreads to is not, so stress is sent to the shards and spread
 * there. A frame has many rows, so windows are a keyed process function with event-time timers, as
 * Flink's training writes its own windows: {@link ShardWindows}. Watermarks: {@link
 * ZoneWatermarks}. Settings and what they brought: {@link FlinkJob}.
 */
public final class FlinkFrames implements FlinkPeer.Program {
  /**
   * Stress of a zone's nodes that are stressed.
   *
   * @param timesS event times in epoch seconds, shape (rows)
   * @param nodes positions in {@link Task#nodes}, shape (columns)
   * @param stress stress-hours, row by row, shape (rows * columns)
   */
  public record Stress(String zone, long[] timesS, int[] nodes, double[] stress) {}

  /** A zone's stress on its way to the shard that it reaches. */
  public record ShardStress(int shard, long[] timesS, int[] nodes, double[] stress) {}

  /** Does the task in the file that is the only argument. */
  public static void main(String[] arguments) throws Exception {
    FlinkPeer.run(Task.load(arguments[0]), new FlinkFrames());
  }

  @Override
  public void put(ConsumerRecord<byte[], byte[]> result, Windows windows) {
    RiskFrame risk = RiskFrame.decode(result.value());
    for (int i = 0; i < risk.nodes().length; i++) {
      windows.put(risk.nodes()[i], risk.endS(), risk.stress()[i]);
    }
  }

  @Override
  public void define(FlinkJob job) {
    Task task = job.task();
    DataStream<Stress> stress =
        job.measurements(
                new FrameSchema(),
                WatermarkStrategy.<MeasurementFrame>forGenerator(context -> new ZoneWatermarks())
                    .withTimestampAssigner((frame, kafkaMs) -> frame.timesS()[0] * 1000),
                MeasurementFrame::measurements)
            .map(new Detection(task))
            .filter(frame -> frame.nodes.length > 0);
    stress.sinkTo(job.sink(task.stressTopic(), frame -> bytes(frame.zone), new StressSchema()));
    task.models()
        .forEach(
            model -> {
              Influence influence = Influence.of(task, model);
              stress
                  .flatMap(new ToShards(influence))
                  .keyBy(ShardStress::shard)
                  .process(new ShardWindows(task, influence))
                  .sinkTo(
                      job.sink(
                          task.resultsTopic(model),
                          risk -> bytes(Integer.toString(risk.shard())),
                          new RiskSchema()));
            });
  }

  private static byte[] bytes(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }

  private static final class FrameSchema extends AbstractDeserializationSchema<MeasurementFrame> {
    @Override
    public MeasurementFrame deserialize(byte[] value) throws IOException {
      return MeasurementFrame.decode(value);
    }
  }

  /** Number of rows and columns, then the arrays; big-endian. */
  private static final class StressSchema implements SerializationSchema<Stress> {
    @Override
    public byte[] serialize(Stress frame) {
      int doubles = frame.timesS.length + frame.stress.length;
      int size = (2 + frame.nodes.length) * Integer.BYTES;
      ByteBuffer bytes = ByteBuffer.allocate(size + doubles * Double.BYTES);
      bytes.putInt(frame.timesS.length).putInt(frame.nodes.length);
      bytes.asIntBuffer().put(frame.nodes);
      bytes.position(size);
      bytes.asLongBuffer().put(frame.timesS);
      bytes.position(size + frame.timesS.length * Long.BYTES);
      bytes.asDoubleBuffer().put(frame.stress);
      return bytes.array();
    }
  }

  private static final class RiskSchema implements SerializationSchema<RiskFrame> {
    @Override
    public byte[] serialize(RiskFrame frame) {
      return frame.encode();
    }
  }

  private static final class Detection implements MapFunction<MeasurementFrame, Stress> {
    private final Task task;
    private final Map<String, Integer> indexOf;

    Detection(Task task) {
      this.task = task;
      this.indexOf = task.indexOf();
    }

    @Override
    public Stress map(MeasurementFrame frame) {
      int rows = frame.timestamps().size();
      int[] nodes = frame.nodes().stream().mapToInt(indexOf::get).toArray();
      double[][] byNode = new double[nodes.length][];
      int stressed = 0;
      for (int column = 0; column < nodes.length; column++) {
        double[] stress = stressOf(frame.loadMw(), column, task.ratingsMw()[nodes[column]]);
        if (stress != null) {
          byNode[stressed] = stress;
          nodes[stressed++] = nodes[column];
        }
      }
      double[] flat = new double[rows * stressed];
      for (int row = 0; row < rows; row++) {
        for (int column = 0; column < stressed; column++) {
          flat[row * stressed + column] = byNode[column][row];
        }
      }
      return new Stress(frame.zone(), frame.timesS(), Arrays.copyOf(nodes, stressed), flat);
    }

    /** Stress of one column, shape (rows); null if there is none. */
    private double[] stressOf(double[][] loadMw, int column, double ratingMw) {
      double[] stress = null;
      for (int row = 0; row < loadMw.length; row++) {
        double value = task.stress(loadMw[row][column], ratingMw);
        if (value > 0) {
          stress = stress == null ? new double[loadMw.length] : stress;
          stress[row] = value;
        }
      }
      return stress;
    }
  }

  private record ToShards(Influence influence) implements FlatMapFunction<Stress, ShardStress> {
    @Override
    public void flatMap(Stress frame, Collector<ShardStress> out) {
      for (int shard = 0; shard < influence.shards(); shard++) {
        if (influence.reaches(shard, frame.nodes)) {
          out.collect(new ShardStress(shard, frame.timesS, frame.nodes, frame.stress));
        }
      }
    }
  }
}
