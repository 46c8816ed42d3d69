package gridstress;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What a peer reports: its passes, of which the last one counts. */
public record Outcome(List<Pass> passes) {
  private static final double SETTLED = 0.05;

  /**
   * The whole work, done once.
   *
   * @param beganS epoch seconds of the first record
   * @param endedS epoch seconds at which the last result was available
   * @param counts measurements, under that name
   */
  @JsonNaming(SnakeCaseStrategy.class)
  public record Pass(double beganS, double endedS, Map<String, Long> counts) {
    double seconds() {
      return endedS - beganS;
    }
  }

  /** Does the whole work once; every pass has a number of its own. */
  @FunctionalInterface
  public interface Work {
    Pass run(int number) throws Exception;
  }

  /**
   * Repeats the work until the last two passes differ by less than 5 %, but no more often than the
   * task allows.
   */
  public static Outcome repeat(Task task, Work work) throws Exception {
    List<Pass> passes = new ArrayList<>();
    while (passes.size() < task.passes() && !settled(passes)) {
      passes.add(work.run(passes.size()));
    }
    return new Outcome(passes);
  }

  /** Writes the last file of a peer, after its windows. */
  public void save(Task task) throws IOException {
    Json.save(task.file("outcome.json"), this);
  }

  private static boolean settled(List<Pass> passes) {
    if (passes.size() < 2) {
      return false;
    }
    double last = passes.get(passes.size() - 1).seconds();
    double before = passes.get(passes.size() - 2).seconds();
    return Math.abs(last - before) < SETTLED * before;
  }
}
