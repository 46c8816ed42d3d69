package gridstress;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Hopping windows of a shard's nodes, an array each. Stress is spread and summed into panes, as
 * long as the step; a window is the sum of its panes.
 */
final class ShardWindows extends KeyedProcessFunction<Integer, FlinkFrames.ShardStress, RiskFrame> {
  private final int sizeS;
  private final int stepS;
  private final Influence influence;

  /** By the pane's end in epoch seconds, stress-hours of shape (nodes of the shard). */
  private transient MapState<Long, double[]> panes;

  ShardWindows(Task task, Influence influence) {
    this.sizeS = task.sizeS();
    this.stepS = task.stepS();
    this.influence = influence;
  }

  @Override
  public void open(OpenContext context) {
    panes =
        getRuntimeContext()
            .getMapState(
                new MapStateDescriptor<>(
                    "panes", Types.LONG, PrimitiveArrayTypeInfo.DOUBLE_PRIMITIVE_ARRAY_TYPE_INFO));
  }

  @Override
  public void processElement(
      FlinkFrames.ShardStress stress, Context context, Collector<RiskFrame> out) throws Exception {
    StressFrame frame = stress.frame();
    for (int row = 0; row < frame.timesS().length; row++) {
      long endS = Math.floorDiv(frame.timesS()[row], stepS) * stepS + stepS;
      double[] pane = panes.get(endS);
      if (pane == null) {
        pane = new double[influence.size(stress.shard())];
        for (long windowS = endS; windowS < endS + sizeS; windowS += stepS) {
          context.timerService().registerEventTimeTimer(windowS * 1000 - 1);
        }
      }
      frame.spread(row, influence, stress.shard(), pane);
      panes.put(endS, pane);
    }
  }

  @Override
  public void onTimer(long lastMs, OnTimerContext context, Collector<RiskFrame> out)
      throws Exception {
    long endS = (lastMs + 1) / 1000;
    int shard = context.getCurrentKey();
    double[] stress = new double[influence.size(shard)];
    for (long paneS = endS - sizeS + stepS; paneS <= endS; paneS += stepS) {
      double[] pane = panes.get(paneS);
      if (pane != null) {
        for (int i = 0; i < stress.length; i++) {
          stress[i] += pane[i];
        }
      }
    }
    panes.remove(endS - sizeS + stepS);
    out.collect(RiskFrame.of(shard, influence.shards(), endS, stress));
  }
}
