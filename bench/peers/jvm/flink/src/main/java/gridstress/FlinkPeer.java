package gridstress;

import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** A program in Flink: each pass is a job of its own. */
abstract class FlinkPeer implements Peer.Program {
  /** Of the pass that runs; the mini-cluster shares its JVM. */
  private static volatile Progress progress;

  /** What it works on. */
  protected final Task task;

  /** Makes a program for one task. */
  protected FlinkPeer(Task task) {
    this.task = task;
  }

  /** Adds its streams to a job, from the source to the sinks. */
  protected abstract void define(FlinkJob job);

  /** Counts the measurements of the pass that runs. */
  static Progress progress() {
    return progress;
  }

  /** A result has the time of its window's last ms; the row after that closes the window. */
  @Override
  public long causeS(ConsumerRecord<byte[], byte[]> result) {
    return (result.timestamp() + 1) / 1000;
  }

  @Override
  public Outcome.Pass pass(int number) throws Exception {
    progress = new Progress(task);
    FlinkJob job = new FlinkJob(task, number);
    define(job);
    JobClient client = job.start();
    if (task.live()) {
      stopAtTheEnd(client);
    }
    // Ends when the last checkpoint has committed the results.
    client.getJobExecutionResult().get();
    return progress.pass();
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
