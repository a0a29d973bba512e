package siamese.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;

/** A process of the program, at a port of its own. SIAMESE_PROGRAM names the program. */
final class RealServer implements AutoCloseable {
  // Models become ready in the order in which they are named; omniglot is the last.
  private static final Pattern READY =
      Pattern.compile("msg=serving address=(\\S+).*msg=ready serving_name=omniglot", Pattern.DOTALL);
  private static final long START_SECONDS = 120;

  private final Process process;
  private final Path log;
  private final String address;

  /** Starts it; the test is left out, with the reason told, where no program is named. */
  RealServer(Path folder, String... arguments) throws IOException, InterruptedException {
    String program = System.getenv("SIAMESE_PROGRAM");
    if (program == null) {
      System.err.println("left out: SIAMESE_PROGRAM does not name the siamese program");
    }
    Assumptions.assumeTrue(program != null, "SIAMESE_PROGRAM does not name the siamese program");
    log = folder.resolve("server.log");
    List<String> command = new ArrayList<>(List.of(program, "serve", "--http-addr="));
    command.addAll(List.of(arguments));
    if (command.stream().noneMatch(argument -> argument.startsWith("--addr"))) {
      command.add("--addr=127.0.0.1:0");
    }
    if (command.stream().noneMatch(argument -> argument.startsWith("--galleries="))) {
      command.add("--galleries=" + folder.resolve("galleries")); // not those of this user
    }
    process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    address = awaitReady();
  }

  private String awaitReady() throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (System.nanoTime() < end) {
      Matcher ready = READY.matcher(Files.readString(log));
      if (ready.find()) {
        return ready.group(1);
      }
      if (process.waitFor(50, TimeUnit.MILLISECONDS)) {
        throw new IOException("the server ended: " + Files.readString(log));
      }
    }
    process.destroyForcibly();
    throw new IOException("the server is not ready: " + Files.readString(log));
  }

  String address() {
    return address;
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
