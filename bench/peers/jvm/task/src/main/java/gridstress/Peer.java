package gridstress;

/** The main program of every peer: {@code COMMAND... TASK.json}. */
public final class Peer {
  /** Does one task; it writes the results and the outcome. */
  @FunctionalInterface
  public interface Program {
    void run(Task task) throws Exception;
  }

  private Peer() {}

  /** Runs a program and ends the process: 0, or 1 and a last line on stderr that says why. */
  public static void main(String[] arguments, Program program) {
    if (arguments.length != 1) {
      System.err.println("error: the only argument is a file with a task, TASK.json");
      System.exit(2);
    }
    try {
      program.run(Task.load(arguments[0]));
    } catch (Exception error) {
      error.printStackTrace();
      System.err.println("error: " + error);
      System.exit(1);
    }
    System.exit(0);
  }
}
