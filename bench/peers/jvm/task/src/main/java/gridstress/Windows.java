package gridstress;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.Map;

/** Stress by window and node of one model, for the file that the harness compares. */
public final class Windows {
  private final Task task;
  private final Map<String, Integer> indexOf;
  private final double[][] stress;

  /** All stress is 0 at first. */
  public Windows(Task task) {
    this.task = task;
    this.indexOf = task.indexOf();
    this.stress = new double[task.windows()][task.nodes().size()];
  }

  /** Sets the stress of a node in the window that ends at {@code endS}. */
  public void put(String node, long endS, double value) {
    put(indexOf.get(node), endS, value);
  }

  /**
   * Sets the stress of the node at an index of {@link Task#nodes}.
   *
   * @throws IllegalArgumentException if no measurement lies in the window
   */
  public void put(int node, long endS, double value) {
    long row = Math.floorDiv(endS - task.firstEndS(), task.stepS());
    if (row < 0 || row >= stress.length) {
      throw new IllegalArgumentException(
          "no measurement lies in the window of %s that ends at %d"
              .formatted(task.nodes().get(node), endS));
    }
    stress[(int) row][node] = value;
  }

  /** Sets the stress of a window of a shard. */
  public void put(RiskFrame frame) {
    for (int i = 0; i < frame.nodes().length; i++) {
      put(frame.nodes()[i], frame.endS(), frame.stress()[i]);
    }
  }

  /** Writes the file of this model: little-endian doubles, shape (windows, nodes). */
  public void save(String model) throws IOException {
    int columns = task.nodes().size();
    ByteBuffer bytes = ByteBuffer.allocate(stress.length * columns * Double.BYTES);
    bytes.order(ByteOrder.LITTLE_ENDIAN);
    for (double[] row : stress) {
      bytes.asDoubleBuffer().put(row);
      bytes.position(bytes.position() + columns * Double.BYTES);
    }
    Files.write(task.file(model + ".f64"), bytes.array());
  }
}
