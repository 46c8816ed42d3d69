package gridstress;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** Runs an application of Kafka Streams on a task: its passes, the results of the last one. */
final class StreamsPeer {
  private static final long CHECK_MS = 20;
  private static final Duration CLOSE = Duration.ofSeconds(60);

  /** The program that is measured. */
  interface Application {
    /** Settings besides the identity, the broker and the directory of the state. */
    Properties settings();

    /** The topology; it counts the measurements it reads. */
    Topology topology(Progress progress);

    /** Puts what a record of the results says into the windows. */
    void put(ConsumerRecord<byte[], byte[]> result, Windows windows) throws IOException;
  }

  private final Task task;
  private final Application application;
  private Map<TopicPartition, Long> beginning = Map.of();

  private StreamsPeer(Task task, Application application) {
    this.task = task;
    this.application = application;
  }

  /** Does the task and writes its results and its outcome. */
  static void run(Task task, Application application) throws Exception {
    new StreamsPeer(task, application).run();
  }

  private void run() throws Exception {
    // A result has the time of the newest row that it holds, which is the one that caused it.
    Watcher watcher = task.live() ? Watcher.start(task, r -> r.timestamp() / 1000) : null;
    Outcome outcome = Outcome.repeat(task, this::pass);
    if (watcher != null) {
      watcher.finish();
    }
    for (String model : task.models()) {
      Windows windows = new Windows(task);
      Results.read(task, model, beginning, result -> application.put(result, windows));
      windows.save(model);
    }
    outcome.save(task);
  }

  private Outcome.Pass pass(int number) throws Exception {
    beginning = Results.ends(task);
    String name = task.name() + "-" + number;
    Properties settings = application.settings();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, name);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, task.bootstrap());
    settings.put(StreamsConfig.STATE_DIR_CONFIG, task.file("state").toString());
    Progress progress = new Progress(task);
    try (var streams = new KafkaStreams(application.topology(progress), settings);
        var admin = Admin.create(Map.of("bootstrap.servers", task.bootstrap()))) {
      watch(streams, progress);
      streams.start();
      progress.await();
      Commits commits = new Commits(task, name, admin);
      while (!commits.complete()) {
        Thread.sleep(CHECK_MS);
      }
      double endedS = Progress.nowS();
      streams.close(CLOSE);
      streams.cleanUp();
      return new Outcome.Pass(
          progress.beganS(), endedS, Map.of("measurements", progress.counted()));
    }
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
