package gridstress;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * Stress of some nodes at some times.
 *
 * @param timesS epoch seconds, shape (rows)
 * @param nodes whose stress it is: indices, shape (columns)
 * @param stress stress-hours, shape (columns, rows): the rows of a column lie side by side
 */
record Block(long[] timesS, int[] nodes, double[] stress) {
  static final Serde<Block> SERDE =
      Serdes.serdeFrom((topic, block) -> block.encode(), (topic, bytes) -> decode(bytes));

  int rows() {
    return timesS.length;
  }

  /** What reaches a shard of this stress; its nodes are the shard's columns. */
  Block spread(Influence influence, int shard) {
    double[][] sums = new double[influence.size(shard)][];
    int reached = 0;
    for (int column = 0; column < nodes.length; column++) {
      int[] to = influence.columns()[shard][nodes[column]];
      double[] factors = influence.factors()[shard][nodes[column]];
      for (int k = 0; k < to.length; k++) {
        if (sums[to[k]] == null) {
          sums[to[k]] = new double[rows()];
          reached++;
        }
        add(sums[to[k]], column * rows(), factors[k]);
      }
    }
    return filled(sums, reached);
  }

  /** A block of those of these columns that are not null. */
  private Block filled(double[][] columns, int count) {
    int[] filled = new int[count];
    double[] values = new double[count * rows()];
    int next = 0;
    for (int column = 0; column < columns.length; column++) {
      if (columns[column] != null) {
        filled[next] = column;
        System.arraycopy(columns[column], 0, values, next++ * rows(), rows());
      }
    }
    return new Block(timesS, filled, values);
  }

  private void add(double[] sum, int from, double factor) {
    for (int row = 0; row < sum.length; row++) {
      sum[row] += stress[from + row] * factor;
    }
  }

  private byte[] encode() {
    int size = 8 + 8 * timesS.length + 4 * nodes.length + 8 * stress.length;
    ByteBuffer bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(timesS.length).putInt(nodes.length);
    bytes.asLongBuffer().put(timesS);
    bytes.position(bytes.position() + 8 * timesS.length);
    bytes.asIntBuffer().put(nodes);
    bytes.position(bytes.position() + 4 * nodes.length);
    bytes.asDoubleBuffer().put(stress);
    return bytes.array();
  }

  private static Block decode(byte[] value) {
    ByteBuffer bytes = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    long[] timesS = new long[bytes.getInt()];
    int[] nodes = new int[bytes.getInt()];
    double[] stress = new double[timesS.length * nodes.length];
    bytes.asLongBuffer().get(timesS);
    bytes.position(bytes.position() + 8 * timesS.length);
    bytes.asIntBuffer().get(nodes);
    bytes.position(bytes.position() + 4 * nodes.length);
    bytes.asDoubleBuffer().get(stress);
    return new Block(timesS, nodes, stress);
  }
}
