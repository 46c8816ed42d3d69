package gridstress;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/** The main program of every peer, {@code COMMAND... TASK.json}: its passes, then the results. */
public final class Peer {
  /** A program that is measured. */
  public interface Program {
    /** Does the whole work once; every pass has a number of its own. */
    Outcome.Pass pass(int number) throws Exception;

    /** Event time, in epoch seconds, of the row that caused a result. */
    long causeS(ConsumerRecord<byte[], byte[]> result);

    /** Puts what a record of the results says into the windows. */
    void put(ConsumerRecord<byte[], byte[]> result, Windows windows) throws IOException;
  }

  private Peer() {}

  /** Runs a program and ends the process: 0, or 1 and a last line on stderr that says why. */
  public static void main(String[] arguments, Function<Task, Program> program) {
    if (arguments.length != 1) {
      System.err.println("error: the only argument is a file with a task, TASK.json");
      System.exit(2);
    }
    try {
      Task task = Task.load(arguments[0]);
      run(task, program.apply(task));
    } catch (Exception error) {
      error.printStackTrace();
      System.err.println("error: " + error);
      System.exit(1);
    }
    System.exit(0);
  }

  private static void run(Task task, Program program) throws Exception {
    Watcher watcher = task.live() ? Watcher.start(task, program::causeS) : null;
    Map<TopicPartition, Long> beginning = new HashMap<>();
    Outcome outcome =
        Outcome.repeat(
            task,
            number -> {
              beginning.putAll(Results.ends(task));
              return program.pass(number);
            });
    if (watcher != null) {
      watcher.finish();
    }
    for (String model : task.models()) {
      Windows windows = new Windows(task);
      Results.read(task, model, beginning, result -> program.put(result, windows));
      windows.save(model);
    }
    outcome.save(task);
  }
}
