package gridstress;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** A program in Kafka Streams: each pass is an application of its own. */
abstract class StreamsPeer implements Peer.Program {
  private static final long CHECK_MS = 20;
  private static final Duration CLOSE = Duration.ofSeconds(60);

  /** What it works on. */
  protected final Task task;

  /** Makes a program for one task. */
  protected StreamsPeer(Task task) {
    this.task = task;
  }

  /**
   * Settings besides those that all programs have: exactly-once, as many threads as cores, and what
   * says who and where it is.
   */
  protected Properties settings() {
    return new Properties();
  }

  /** The topology; it counts the measurements it reads. */
  protected abstract Topology topology(Progress progress) throws IOException;

  @Override
  public Outcome.Pass pass(int number) throws Exception {
    String name = task.name() + "-" + number;
    Properties settings = settings();
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(
        StreamsConfig.NUM_STREAM_THREADS_CONFIG, Runtime.getRuntime().availableProcessors());
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, name);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, task.bootstrap());
    settings.put(StreamsConfig.STATE_DIR_CONFIG, task.file("state").toString());
    Progress progress = new Progress(task);
    try (var streams = new KafkaStreams(topology(progress), settings);
        var admin = Admin.create(Map.of("bootstrap.servers", task.bootstrap()))) {
      watch(streams, progress);
      streams.start();
      progress.await();
      Commits commits = new Commits(task, name, admin);
      while (!commits.complete()) {
        if (!streams.state().isRunningOrRebalancing()) {
          throw new IllegalStateException(
              "the streams ended before all was committed (%s); the log above says why"
                  .formatted(streams.state()));
        }
        Thread.sleep(CHECK_MS);
      }
      Outcome.Pass pass = progress.pass();
      streams.close(CLOSE);
      streams.cleanUp();
      return pass;
    }
  }

  /** The time of a result is that of the row that caused it. */
  @Override
  public long causeS(ConsumerRecord<byte[], byte[]> result) {
    return result.timestamp() / 1000;
  }

  private void watch(KafkaStreams streams, Progress progress) {
    streams.setUncaughtExceptionHandler(
        error -> {
          progress.fail(error);
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING && task.live()) {
            task.ready();
          }
        });
  }
}
