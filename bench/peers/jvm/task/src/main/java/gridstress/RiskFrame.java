package gridstress;

import java.nio.ByteBuffer;
import java.util.stream.IntStream;

/**
 * One window of a shard; nodes without stress are left out.
 *
 * @param endS the window's end in epoch seconds
 * @param nodes positions in {@link Task#nodes}, shape (nodes)
 * @param stress stress-hours, shape (nodes)
 * @param risk shape (nodes)
 */
public record RiskFrame(int shard, long endS, int[] nodes, double[] stress, double[] risk) {

  /** Takes the stress of all nodes of one of {@code shards}, shape (nodes of the shard). */
  public static RiskFrame of(int shard, int shards, long endS, double[] sums) {
    int[] nodes =
        IntStream.range(0, sums.length)
            .filter(column -> sums[column] > 0)
            .map(column -> column * shards + shard)
            .toArray();
    double[] stress = new double[nodes.length];
    double[] risk = new double[nodes.length];
    for (int i = 0; i < nodes.length; i++) {
      stress[i] = sums[nodes[i] / shards];
      risk[i] = Task.risk(stress[i]);
    }
    return new RiskFrame(shard, endS, nodes, stress, risk);
  }

  /** Shard, end, number of nodes, then the arrays; big-endian. */
  public byte[] encode() {
    int size = 2 * Integer.BYTES + Long.BYTES;
    ByteBuffer bytes =
        ByteBuffer.allocate(size + nodes.length * (Integer.BYTES + 2 * Double.BYTES));
    bytes.putInt(shard).putLong(endS).putInt(nodes.length);
    bytes.asIntBuffer().put(nodes);
    bytes.position(size + nodes.length * Integer.BYTES);
    bytes.asDoubleBuffer().put(stress).put(risk);
    return bytes.array();
  }

  /** Reads what {@link #encode} wrote. */
  public static RiskFrame decode(byte[] value) {
    ByteBuffer bytes = ByteBuffer.wrap(value);
    int shard = bytes.getInt();
    long endS = bytes.getLong();
    int[] nodes = new int[bytes.getInt()];
    bytes.asIntBuffer().get(nodes);
    bytes.position(bytes.position() + nodes.length * Integer.BYTES);
    double[] stress = new double[nodes.length];
    double[] risk = new double[nodes.length];
    bytes.asDoubleBuffer().get(stress).get(risk);
    return new RiskFrame(shard, endS, nodes, stress, risk);
  }
}
