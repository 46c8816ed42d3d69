package gridstress;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.time.OffsetDateTime;
import java.util.List;

/**
 * Loads of one zone's nodes: {@code topology.messages.MeasurementFrame}.
 *
 * @param timestamps ISO-8601, shape (rows)
 * @param nodes shape (columns)
 * @param loadMw MW, shape (rows, columns)
 * @param last the zone has no data after this frame, which has none either
 */
public record MeasurementFrame(
    String zone,
    List<String> timestamps,
    List<String> nodes,
    @JsonProperty("load_mw") double[][] loadMw,
    @JsonProperty("final") boolean last) {

  private static final ObjectReader READER = Json.MAPPER.readerFor(MeasurementFrame.class);

  /** Decodes a record's value. */
  public static MeasurementFrame decode(byte[] value) throws IOException {
    return READER.readValue(value);
  }

  /** Event times in epoch seconds, shape (rows). */
  public long[] timesS() {
    return timestamps.stream().mapToLong(t -> OffsetDateTime.parse(t).toEpochSecond()).toArray();
  }

  /** How many measurements it has, a node and time each. */
  public int measurements() {
    return timestamps.size() * nodes.size();
  }
}
