package gridstress;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;

/**
 * Watermarks of one partition: the oldest of its zones' newest rows. Frames of a partition come in
 * the order of their first rows; when a zone comes again, all zones of the partition have come.
 */
final class ZoneWatermarks implements WatermarkGenerator<MeasurementFrame> {
  /** By zone, ms; the end of time for a zone that has no data any more. */
  private final Map<String, Long> newest = new HashMap<>();

  private boolean complete;

  @Override
  public void onEvent(MeasurementFrame frame, long firstMs, WatermarkOutput output) {
    long[] timesS = frame.timesS();
    long lastMs = frame.last() ? Long.MAX_VALUE : timesS[timesS.length - 1] * 1000;
    complete |= newest.put(frame.zone(), lastMs) != null;
    long beforeMs = complete ? Collections.min(newest.values()) : firstMs;
    output.emitWatermark(new Watermark(beforeMs - 1));
  }

  @Override
  public void onPeriodicEmit(WatermarkOutput output) {
    // Every frame has emitted its own.
  }
}
