package siamese.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** README.md shows the examples as they are. */
class ReadmeTest {
  @ParameterizedTest
  @ValueSource(strings = {"Compare", "Batch", "Stream", "Identify"})
  void showsTheExample(String name) throws IOException {
    String path = "examples/java/src/main/java/" + name + ".java";
    Pattern shown =
        Pattern.compile(
            "<!-- " + Pattern.quote(path) + " -->\n```java\n(.*?)```\n", Pattern.DOTALL);
    Matcher text = shown.matcher(Files.readString(Path.of("README.md")));
    assertTrue(text.find(), "README.md shows no " + path);
    assertEquals(Files.readString(Path.of("../..", path)), text.group(1));
  }
}
