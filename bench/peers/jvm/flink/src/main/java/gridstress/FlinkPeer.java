package gridstress;

import java.util.Map;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/** Runs a Flink program on a task: its passes, the results of the last one. */
final class FlinkPeer {
  /** Of the pass that runs; the mini-cluster shares its JVM. */
  private static volatile Progress progress;

  /** The program that is measured. */
  interface Program {
    /** Adds its streams, from the source to the sinks. */
    void define(FlinkJob job);

    /** Puts what a record of the results says into the windows. */
    void put(ConsumerRecord<byte[], byte[]> result, Windows windows);
  }

  private final Task task;
  private final Program program;
  private Map<TopicPartition, Long> beginning = Map.of();

  private FlinkPeer(Task task, Program program) {
    this.task = task;
    this.program = program;
  }

  /** Does the task and writes its results and its outcome. */
  static void run(Task task, Program program) throws Exception {
    new FlinkPeer(task, program).run();
  }

  /** Counts the measurements of the pass that runs. */
  static Progress progress() {
    return progress;
  }

  private void run() throws Exception {
    // A result has the time of its window's last ms; the row after that closes the window.
    Watcher watcher = task.live() ? Watcher.start(task, r -> (r.timestamp() + 1) / 1000) : null;
    Outcome outcome = Outcome.repeat(task, this::pass);
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

  private Outcome.Pass pass(int number) throws Exception {
    beginning = Results.ends(task);
    progress = new Progress(task);
    FlinkJob job = new FlinkJob(task, number);
    program.define(job);
    JobClient client = job.start();
    if (task.live()) {
      stopAtTheEnd(client);
    }
    // Ends when the last checkpoint has committed the results.
    client.getJobExecutionResult().get();
    double endedS = Progress.nowS();
    Map<String, Long> counts = Map.of("measurements", progress.counted());
    return new Outcome.Pass(progress.beganS(), endedS, counts);
  }

  /** Stops a live job when all measurements have come, as {@code flink stop --drain} does. */
  private static void stopAtTheEnd(JobClient client) throws Exception {
    client
        .getJobExecutionResult()
        .whenComplete(
            (result, error) -> {
              if (error != null) {
                progress.fail(error);
              }
            });
    progress.await();
    client.stopWithSavepoint(true, null, SavepointFormatType.NATIVE).get();
  }
}
