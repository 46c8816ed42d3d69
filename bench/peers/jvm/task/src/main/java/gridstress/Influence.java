package gridstress;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/**
 * One model's influence on the nodes of each shard. The node at a position of {@link Task#nodes}
 * belongs to shard position mod shards, and is its column position / shards.
 *
 * @param columns by shard and source: the columns of the reached nodes
 * @param factors by shard and source: the influence on each of them
 */
public record Influence(int[][][] columns, double[][][] factors) implements Serializable {

  /** Divides a model's reach among as many shards as topics have partitions. */
  public static Influence of(Task task, String model) {
    Map<String, List<Task.Reached>> reach = task.reach().get(model);
    Map<String, Integer> positionOf = task.indexOf();
    int shards = task.partitions();
    int nodes = task.nodes().size();
    Influence influence = new Influence(new int[shards][nodes][], new double[shards][nodes][]);
    for (int shard = 0; shard < shards; shard++) {
      int mine = shard;
      for (int source = 0; source < nodes; source++) {
        List<Task.Reached> reached =
            reach.get(task.nodes().get(source)).stream()
                .filter(to -> positionOf.get(to.node()) % shards == mine)
                .toList();
        influence.columns[shard][source] =
            reached.stream().mapToInt(to -> positionOf.get(to.node()) / shards).toArray();
        influence.factors[shard][source] =
            reached.stream().mapToDouble(Task.Reached::influence).toArray();
      }
    }
    return influence;
  }

  /** How many shards there are. */
  public int shards() {
    return columns.length;
  }

  /** How many nodes a shard has. */
  public int size(int shard) {
    return (columns[shard].length - shard + shards() - 1) / shards();
  }

  /** Whether the stress of any of these nodes reaches a shard. */
  public boolean reaches(int shard, int[] sources) {
    for (int source : sources) {
      if (columns[shard][source].length > 0) {
        return true;
      }
    }
    return false;
  }

  /** Adds what the stress of a source adds to a shard, shape (nodes of the shard). */
  public void spread(int shard, int source, double stress, double[] sums) {
    int[] reached = columns[shard][source];
    double[] influence = factors[shard][source];
    for (int i = 0; i < reached.length; i++) {
      sums[reached[i]] += stress * influence[i];
    }
  }
}
