package gridstress;

import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/** Forwards each row of a block that has any stress, with the row's own event time. */
final class RowsOfBlock extends ContextualFixedKeyProcessor<Integer, Block, RowsOfBlock.Row> {
  /** One row of a block. */
  record Row(Block block, int row) {
    /** Adds the row to the stress of a shard's nodes, and returns it. */
    double[] addTo(double[] sums) {
      int[] nodes = block.nodes();
      for (int column = 0; column < nodes.length; column++) {
        sums[nodes[column]] += block.stress()[column * block.rows() + row];
      }
      return sums;
    }

    private boolean stressed() {
      for (int at = row; at < block.stress().length; at += block.rows()) {
        if (block.stress()[at] > 0) {
          return true;
        }
      }
      return false;
    }
  }

  @Override
  public void process(FixedKeyRecord<Integer, Block> record) {
    Block block = record.value();
    for (int number = 0; number < block.rows(); number++) {
      Row row = new Row(block, number);
      if (row.stressed()) {
        context().forward(record.withValue(row).withTimestamp(block.timesS()[number] * 1000));
      }
    }
  }
}
