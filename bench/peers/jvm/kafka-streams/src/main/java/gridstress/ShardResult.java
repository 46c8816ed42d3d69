package gridstress;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * One window of one shard.
 *
 * @param endS the window's end, epoch seconds
 * @param stress stress-hours, shape (nodes of the shard)
 * @param risk of the same shape
 */
record ShardResult(long endS, double[] stress, double[] risk) {
  static final Serde<double[]> DOUBLES =
      Serdes.serdeFrom((topic, values) -> encode(values), (topic, bytes) -> decode(bytes));
  static final Serde<ShardResult> SERDE =
      Serdes.serdeFrom((topic, result) -> result.encode(), (topic, bytes) -> result(bytes));

  static ShardResult of(long endS, double[] stress) {
    return new ShardResult(endS, stress, Arrays.stream(stress).map(Task::risk).toArray());
  }

  private byte[] encode() {
    ByteBuffer bytes = ByteBuffer.allocate(8 + 16 * stress.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(endS);
    bytes.asDoubleBuffer().put(stress).put(risk);
    return bytes.array();
  }

  private static ShardResult result(byte[] value) {
    ByteBuffer bytes = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    long endS = bytes.getLong();
    double[] stress = new double[bytes.remaining() / 16];
    double[] risk = new double[stress.length];
    bytes.asDoubleBuffer().get(stress).get(risk);
    return new ShardResult(endS, stress, risk);
  }

  private static byte[] encode(double[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asDoubleBuffer().put(values);
    return bytes.array();
  }

  private static double[] decode(byte[] value) {
    double[] values = new double[value.length / 8];
    ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(values);
    return values;
  }
}
