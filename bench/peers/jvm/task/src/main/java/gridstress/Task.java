package gridstress;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.io.File;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * One peer's work: {@code bench.peers.task.Task}, where the fields are explained; those that no
 * program here needs are left out.
 *
 * @param reach by model, then by node: the nodes its stress reaches, itself included
 */
@JsonNaming(SnakeCaseStrategy.class)
@JsonIgnoreProperties(ignoreUnknown = true)
public record Task(
    String bootstrap,
    String name,
    String source,
    String directory,
    String grid,
    int partitions,
    List<String> nodes,
    double[] ratingsMw,
    double threshold,
    int periodS,
    int sizeS,
    int stepS,
    Map<String, Map<String, List<Reached>>> reach,
    long measurements,
    long firstEndS,
    int windows,
    int passes,
    boolean live)
    implements Serializable {

  /** A node that stress reaches, and the part of it that arrives there. */
  @JsonFormat(shape = JsonFormat.Shape.ARRAY)
  public record Reached(String node, double influence) implements Serializable {}

  /** Reads a task from a file of JSON. */
  public static Task load(String file) throws IOException {
    return Json.MAPPER.readValue(new File(file), Task.class);
  }

  /** A file or directory of the peer, by its name. */
  public Path file(String name) {
    return Path.of(directory, name);
  }

  /** Stress-hours of one load in MW, as {@code agents.detection.stress_of} has them. */
  public double stress(double loadMw, double ratingMw) {
    double excess = (loadMw / ratingMw - threshold) / (1.0 - threshold);
    return Math.max(0.0, excess) * (periodS / 3600.0);
  }

  /** Risk of a window's stress. */
  public static double risk(double stress) {
    return -Math.expm1(-stress);
  }

  /** Rating of each node, MW. */
  public Map<String, Double> ratingOf() {
    Map<String, Double> ratings = new HashMap<>();
    for (int i = 0; i < nodes.size(); i++) {
      ratings.put(nodes.get(i), ratingsMw[i]);
    }
    return ratings;
  }

  /** Position of each node in {@link #nodes}. */
  public Map<String, Integer> indexOf() {
    Map<String, Integer> index = new HashMap<>();
    for (int i = 0; i < nodes.size(); i++) {
      index.put(nodes.get(i), i);
    }
    return index;
  }

  /** The grid's zones, from its file. */
  public Set<String> zones() throws IOException {
    Set<String> zones = new TreeSet<>();
    for (JsonNode node : Json.MAPPER.readTree(new File(grid)).get("nodes")) {
      zones.add(node.get("zone").asText());
    }
    return zones;
  }

  /** The models, in the task's order. */
  public List<String> models() {
    return List.copyOf(reach.keySet());
  }

  /** Topic of stress events. */
  public String stressTopic() {
    return name + "-stress";
  }

  /** Topic of one model's propagated stress. */
  public String propagatedTopic(String model) {
    return name + "-propagated-" + model;
  }

  /** Topic of one model's results. */
  public String resultsTopic(String model) {
    return name + "-results-" + model;
  }

  /** Tells the harness that the peer waits for live input. */
  public void ready() {
    try {
      Files.write(file("ready"), new byte[0]);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
