package gridstress;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;

/** Counts the measurements of one pass: when the first one came, and when all have come. */
public final class Progress {
  private final long expected;
  private final AtomicLong counted = new AtomicLong();
  private final CompletableFuture<Void> all = new CompletableFuture<>();
  private volatile double beganS;

  /** Expects all measurements of a task. */
  public Progress(Task task) {
    this.expected = task.measurements();
  }

  /** Notes measurements; any thread may call it. */
  public void count(long measurements) {
    long after = counted.addAndGet(measurements);
    if (after == measurements) {
      beganS = nowS();
    }
    if (after >= expected) {
      all.complete(null);
    }
  }

  /** Ends {@link #await} with an error. */
  public void fail(Throwable cause) {
    all.completeExceptionally(cause);
  }

  /** Waits until all measurements have been counted. */
  public void await() throws InterruptedException, ExecutionException {
    all.get();
  }

  /** The pass, of which the last result is available now. */
  public Outcome.Pass pass() {
    return new Outcome.Pass(beganS, nowS(), Map.of("measurements", counted.get()));
  }

  /** The time now in epoch seconds. */
  public static double nowS() {
    return System.currentTimeMillis() / 1000.0;
  }
}
