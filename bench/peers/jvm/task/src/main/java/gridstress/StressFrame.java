package gridstress;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/**
 * Stress of a zone's nodes at some times; nodes without any are left out.
 *
 * @param timesS event times in epoch seconds, shape (rows)
 * @param nodes positions in {@link Task#nodes}, shape (columns)
 * @param stress stress-hours, shape (columns, rows): the rows of a column lie side by side
 * @param last the zone has no data after this frame
 */
public record StressFrame(String zone, long[] timesS, int[] nodes, double[] stress, boolean last) {

  /** The stress of a frame of measurements; {@code indexOf} is {@link Task#indexOf}. */
  public static StressFrame of(MeasurementFrame frame, Task task, Map<String, Integer> indexOf) {
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
    return new StressFrame(
        frame.zone(),
        frame.timesS(),
        Arrays.copyOf(nodes, stressed),
        Arrays.copyOf(stress, stressed * rows),
        frame.last());
  }

  /** Adds what a row's stress adds to a shard, shape (nodes of the shard). */
  public void spread(int row, Influence influence, int shard, double[] sums) {
    for (int column = 0; column < nodes.length; column++) {
      double value = stress[column * timesS.length + row];
      if (value > 0) {
        influence.spread(shard, nodes[column], value, sums);
      }
    }
  }

  /** Number of rows and columns, whether it is the last, the arrays, the zone; big-endian. */
  public byte[] encode() {
    byte[] name = zone.getBytes(StandardCharsets.UTF_8);
    int longs = timesS.length + stress.length;
    ByteBuffer bytes =
        ByteBuffer.allocate(
            1 + (2 + nodes.length) * Integer.BYTES + longs * Long.BYTES + name.length);
    bytes.putInt(timesS.length).putInt(nodes.length).put((byte) (last ? 1 : 0));
    for (long timeS : timesS) {
      bytes.putLong(timeS);
    }
    for (int node : nodes) {
      bytes.putInt(node);
    }
    for (double value : stress) {
      bytes.putDouble(value);
    }
    return bytes.put(name).array();
  }

  /** Reads what {@link #encode} wrote. */
  public static StressFrame decode(byte[] value) {
    ByteBuffer bytes = ByteBuffer.wrap(value);
    long[] timesS = new long[bytes.getInt()];
    int[] nodes = new int[bytes.getInt()];
    boolean last = bytes.get() == 1;
    Arrays.setAll(timesS, i -> bytes.getLong());
    Arrays.setAll(nodes, i -> bytes.getInt());
    double[] stress = new double[timesS.length * nodes.length];
    Arrays.setAll(stress, i -> bytes.getDouble());
    String zone = StandardCharsets.UTF_8.decode(bytes).toString();
    return new StressFrame(zone, timesS, nodes, stress, last);
  }
}
