package gridstress;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The one Jackson mapper, and files of JSON. */
public final class Json {
  /** Ignores fields that it does not know; reads and writes numbers in the fastest way. */
  public static final ObjectMapper MAPPER =
      new ObjectMapper(
              JsonFactory.builder()
                  .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
                  .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
                  .build())
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  private Json() {}

  /** Decodes a record's value. */
  public static <T> T read(byte[] value, Class<T> type) {
    try {
      return MAPPER.readValue(value, type);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Encodes a record's value. */
  public static byte[] bytes(Object value) {
    try {
      return MAPPER.writeValueAsBytes(value);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Writes a file beside its place and moves it there: its reader never finds half of it. */
  public static void save(Path file, Object value) throws IOException {
    Path draft = file.resolveSibling(file.getFileName() + ".new");
    MAPPER.writeValue(draft.toFile(), value);
    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
