package siamese.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Runs the cases of galleries, step by step; a step that fails does not end its case. */
final class ConformanceGalleries {
  /** Makes the picture that a case names. */
  interface Pictures {
    Image of(JsonElement given) throws IOException;
  }

  private final Galleries galleries;
  private final Pictures pictures;

  ConformanceGalleries(Galleries galleries, Pictures pictures) {
    this.galleries = galleries;
    this.pictures = pictures;
  }

  List<String> run(JsonObject one) throws IOException {
    List<String> results = new ArrayList<>();
    for (JsonElement each : one.getAsJsonArray("steps")) {
      JsonObject step = each.getAsJsonObject();
      try {
        results.addAll(step(text(step.has("gallery") ? step : one, "gallery"), step));
      } catch (SiameseException e) {
        results.add("error " + Conformance.words(e));
      }
    }
    return results;
  }

  private List<String> step(String name, JsonObject step) throws IOException {
    return switch (text(step, "do")) {
      case "create" -> List.of(words(galleries.create(name, galleryOptions(step))));
      case "get" -> List.of(words(galleries.get(name)));
      case "list" -> List.of("galleries " + joined(galleries.list().stream().map(Gallery::name).toList()));
      case "delete" -> List.of("deleted " + galleries.delete(name));
      case "enroll" -> enroll(name, step);
      case "enroll_batch" -> enrollBatch(name, step);
      case "remove" -> List.of(
          "removed " + galleries.remove(name, texts(step, "ids"), texts(step, "things")));
      case "entry" -> entry(name, step);
      case "entries" -> List.of(
          "entries " + joined(galleries.entries(name, listOptions(step)).map(Entry::id).toList()));
      case "identify" -> identify(name, step);
      case "duplicates" -> duplicates(name, step);
      case "reindex" -> reindex(name, step);
      default -> throw new IOException(
          "received the step " + step.get("do") + ", expected a known one");
    };
  }

  private List<String> enroll(String name, JsonObject step) throws IOException {
    Enrollment kept = galleries.enroll(name, entries(step).iterator());
    List<String> lines = new ArrayList<>();
    lines.add(
        "added %d replaced %d unchanged %d failed %d"
            .formatted(kept.added(), kept.replaced(), kept.unchanged(), kept.failed()));
    for (EnrollFailure failed : kept.failures()) {
      lines.add(failed.index() + " " + failed.id() + " " + Conformance.words(failed.error()));
    }
    return lines;
  }

  private List<String> enrollBatch(String name, JsonObject step) throws IOException {
    return galleries.enrollBatch(name, entries(step)).results().stream()
        .map(
            result ->
                result
                    .value()
                    .map(kept -> kept.status().name().toLowerCase(Locale.ROOT))
                    .orElseGet(() -> Conformance.words(result.error().orElseThrow())))
        .toList();
  }

  private List<String> entry(String name, JsonObject step) {
    Set<EntryPart> with = EnumSet.noneOf(EntryPart.class);
    for (EntryPart part : EntryPart.values()) {
      if (is(step, "include_" + part.name().toLowerCase(Locale.ROOT))) {
        with.add(part);
      }
    }
    Entry entry = galleries.entry(name, text(step, "id"), with.toArray(EntryPart[]::new));
    String metadata =
        entry.metadata().entrySet().stream()
            .map(pair -> pair.getKey() + "=" + pair.getValue())
            .collect(Collectors.joining(","));
    List<String> lines = new ArrayList<>();
    lines.add(
        String.join(
            " ", entry.id(), entry.thing(), metadata, entry.pictureSha256(), entry.modelDigest()));
    lines.add(
        "picture %d thumbnail %d"
            .formatted(
                entry.picture().map(KeptPicture::size).orElse(0),
                entry.thumbnail().map(KeptPicture::size).orElse(0)));
    entry.embedding().ifPresent(made -> lines.add(Conformance.words(made)));
    return lines;
  }

  private List<String> identify(String name, JsonObject step) throws IOException {
    IdentifyOptions options = IdentifyOptions.DEFAULT.withFilter(filter(step));
    if (step.has("top_k")) {
      options = options.withTopK(step.get("top_k").getAsInt());
    }
    if (step.has("min_similarity")) {
      options = options.withMinSimilarity(step.get("min_similarity").getAsFloat());
    }
    if (step.has("threshold")) {
      options = options.withThreshold(step.get("threshold").getAsFloat());
    }
    Identification found = galleries.identify(name, pictures.of(step.get("image")), options);
    List<String> lines = new ArrayList<>();
    for (ThingMatch match : found.matches()) {
      String similarity = Conformance.digits(match.similarity());
      lines.add(
          match.thing() + " " + match.entry().id() + " " + similarity + Conformance.verdict(match.same()));
    }
    lines.add("searched " + found.searchedEntries());
    return lines;
  }

  private List<String> duplicates(String name, JsonObject step) {
    DuplicateOptions options = DuplicateOptions.DEFAULT.withFilter(filter(step));
    if (step.has("threshold")) {
      options = options.withThreshold(step.get("threshold").getAsFloat());
    }
    if (is(step, "across_things")) {
      options = options.withAcrossThings();
    }
    List<String> lines = new ArrayList<>();
    try (DuplicateGroups groups = galleries.findDuplicates(name, options)) {
      groups.forEachRemaining(
          group ->
              lines.add(
                  joined(
                      group.entries().stream()
                          .map(one -> one.entry().id() + "=" + Conformance.digits(one.similarity()))
                          .toList())));
      lines.add("looked at " + groups.counts().orElseThrow().entries());
    }
    return lines;
  }

  private List<String> reindex(String name, JsonObject step) {
    try (Reindexing work = galleries.reindex(name, text(step, "model"))) {
      ReindexProgress last = work.last();
      return List.of(
          "encoded %d missing %d of %d".formatted(last.encoded(), last.missing(), last.entries()));
    }
  }

  private List<NewEntry> entries(JsonObject step) throws IOException {
    List<NewEntry> entries = new ArrayList<>();
    for (JsonElement each : step.getAsJsonArray("entries")) {
      JsonObject entry = each.getAsJsonObject();
      entries.add(
          new NewEntry(
              text(entry, "id"),
              pictures.of(entry.get("image")),
              text(entry, "thing"),
              map(entry, "metadata")));
    }
    return entries;
  }

  private static GalleryOptions galleryOptions(JsonObject step) {
    return new GalleryOptions(
        text(step, "model"), is(step, "keep_pictures"), is(step, "keep_thumbnails"));
  }

  private static EntryListOptions listOptions(JsonObject step) {
    int pageSize = step.has("page_size") ? step.get("page_size").getAsInt() : 0;
    return new EntryListOptions(
        filter(step), text(step, "thing"), is(step, "stale_only"), false, pageSize);
  }

  private static String words(Gallery gallery) {
    return "%s %s %d %d pictures=%b thumbnails=%b"
        .formatted(
            gallery.name(),
            gallery.model(),
            gallery.entries(),
            gallery.staleEntries(),
            gallery.keepPictures(),
            gallery.keepThumbnails());
  }

  private static String joined(List<String> names) {
    return String.join(",", names);
  }

  private static String text(JsonObject object, String key) {
    return object.has(key) ? object.get(key).getAsString() : "";
  }

  private static boolean is(JsonObject object, String key) {
    return object.has(key) && object.get(key).getAsBoolean();
  }

  private static List<String> texts(JsonObject object, String key) {
    return object.has(key)
        ? object.getAsJsonArray(key).asList().stream().map(JsonElement::getAsString).toList()
        : List.of();
  }

  private static Map<String, String> filter(JsonObject step) {
    return map(step, "filter");
  }

  private static Map<String, String> map(JsonObject object, String key) {
    if (!object.has(key)) {
      return Collections.emptyMap();
    }
    Map<String, String> map = new TreeMap<>();
    object.getAsJsonObject(key).entrySet().forEach(
        pair -> map.put(pair.getKey(), pair.getValue().getAsString()));
    return map;
  }
}
