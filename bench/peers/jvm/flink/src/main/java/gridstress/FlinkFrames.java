package gridstress;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
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
public final class FlinkFrames extends FlinkPeer {
  /** A zone's stress on its way to a shard that it reaches. */
  public record ShardStress(int shard, StressFrame frame) {}

  private FlinkFrames(Task task) {
    super(task);
  }

  /** Does the task in the file that is the only argument. */
  public static void main(String[] arguments) {
    Peer.main(arguments, FlinkFrames::new);
  }

  @Override
  public void put(ConsumerRecord<byte[], byte[]> result, Windows windows) {
    windows.put(RiskFrame.decode(result.value()));
  }

  @Override
  protected void define(FlinkJob job) {
    DataStream<StressFrame> stress =
        job.measurements(
                new FrameSchema(),
                WatermarkStrategy.<MeasurementFrame>forGenerator(context -> new ZoneWatermarks())
                    .withTimestampAssigner((frame, kafkaMs) -> frame.timesS()[0] * 1000),
                MeasurementFrame::measurements)
            .map(new Detection(task, task.indexOf()))
            .filter(frame -> frame.nodes().length > 0);
    stress.sinkTo(job.sink(task.stressTopic(), frame -> bytes(frame.zone()), new StressSchema()));
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

  private static final class StressSchema implements SerializationSchema<StressFrame> {
    @Override
    public byte[] serialize(StressFrame frame) {
      return frame.encode();
    }
  }

  private static final class RiskSchema implements SerializationSchema<RiskFrame> {
    @Override
    public byte[] serialize(RiskFrame frame) {
      return frame.encode();
    }
  }

  private record Detection(Task task, Map<String, Integer> indexOf)
      implements MapFunction<MeasurementFrame, StressFrame> {
    @Override
    public StressFrame map(MeasurementFrame frame) {
      return StressFrame.of(frame, task, indexOf);
    }
  }

  private record ToShards(Influence influence)
      implements FlatMapFunction<StressFrame, ShardStress> {
    @Override
    public void flatMap(StressFrame frame, Collector<ShardStress> out) {
      for (int shard = 0; shard < influence.shards(); shard++) {
        if (influence.reaches(shard, frame.nodes())) {
          out.collect(new ShardStress(shard, frame));
        }
      }
    }
  }
}
