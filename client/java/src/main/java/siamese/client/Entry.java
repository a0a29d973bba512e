package siamese.client;

import java.time.Instant;
import java.util.Optional;
import java.util.SortedMap;

/**
 * A picture of a thing, as a gallery keeps it.
 *
 * @param id its name within the gallery
 * @param thing what it shows; empty: it is a thing by itself, named as the entry
 * @param metadata what was sent with it, by key; unmodifiable
 * @param pictureSha256 lower-case hexadecimal SHA-256 of the picture's bytes; empty where it came as
 *     an embedding
 * @param modelDigest {@link ModelReference#digest} of the model that made its embedding
 * @param enrolled when it was enrolled, or last replaced
 * @param familiarity how familiar the picture was to the model; empty where that was not told
 * @param thumbnail a small JPEG of it, where asked for and kept
 * @param picture the picture as it came, of raw pixels a PNG of them, where asked for and kept
 * @param embedding what the model made of it, where asked for
 */
public record Entry(
    String id,
    String thing,
    SortedMap<String, String> metadata,
    String pictureSha256,
    String modelDigest,
    Instant enrolled,
    Optional<Familiarity> familiarity,
    Optional<KeptPicture> thumbnail,
    Optional<KeptPicture> picture,
    Optional<Embedding> embedding) {}
