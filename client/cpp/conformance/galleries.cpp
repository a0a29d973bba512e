#include "galleries.h"

#include <map>
#include <optional>
#include <stdexcept>
#include <string>

namespace {

using nlohmann::json;
using Map = std::map<std::string, std::string>;

std::string joined(const Lines& texts) {
  std::string line;
  for (const std::string& text : texts) {
    line += (&text == &texts.front() ? "" : ",") + text;
  }
  return line;
}

std::string flag(bool value) { return value ? "true" : "false"; }

// text_of is a gallery without what differs from run to run.
std::string text_of(const siamese::Gallery& gallery) {
  return gallery.name + " " + gallery.model + " " + std::to_string(gallery.entries) + " " +
         std::to_string(gallery.stale_entries) + " pictures=" + flag(gallery.keep_pictures) +
         " thumbnails=" + flag(gallery.keep_thumbnails);
}

std::string text_of(siamese::EnrollStatus status) {
  switch (status) {
    case siamese::EnrollStatus::added: return "added";
    case siamese::EnrollStatus::replaced: return "replaced";
    case siamese::EnrollStatus::unchanged: return "unchanged";
  }
  return "unknown";
}

std::optional<float> threshold_of(const json& step) {
  return step.contains("threshold") ? std::optional(step["threshold"].get<float>()) : std::nullopt;
}

// Steps are those of one case.
class Steps {
 public:
  Steps(siamese::Client& client, Pictures& pictures) : client_(client), pictures_(pictures) {}

  Lines run(const std::string& gallery, const json& step) {
    using Step = Lines (Steps::*)(const std::string&, const json&);
    static const std::map<std::string, Step> steps = {
        {"create", &Steps::create}, {"get", &Steps::get}, {"list", &Steps::list},
        {"delete", &Steps::remove_gallery}, {"enroll", &Steps::enroll},
        {"enroll_batch", &Steps::enroll_batch}, {"remove", &Steps::remove}, {"entry", &Steps::entry},
        {"entries", &Steps::entries}, {"identify", &Steps::identify},
        {"duplicates", &Steps::duplicates}, {"reindex", &Steps::reindex}};
    const std::string name = step["do"];
    const auto found = steps.find(name);
    if (found == steps.end()) {
      throw std::runtime_error("received the step " + name + ", expected one of the README");
    }
    return (this->*found->second)(gallery, step);
  }

 private:
  Lines create(const std::string& gallery, const json& step) {
    siamese::GalleryOptions options;
    options.model = step.value("model", "");
    options.keep_pictures = step.value("keep_pictures", false);
    options.keep_thumbnails = step.value("keep_thumbnails", false);
    return {text_of(client_.create_gallery(gallery, options))};
  }

  Lines get(const std::string& gallery, const json&) { return {text_of(client_.gallery(gallery))}; }

  Lines list(const std::string&, const json&) {
    Lines names;
    for (const auto& gallery : client_.galleries()) {
      names.push_back(gallery.name);
    }
    return {"galleries " + joined(names)};
  }

  Lines remove_gallery(const std::string& gallery, const json&) {
    return {"deleted " + std::to_string(client_.delete_gallery(gallery))};
  }

  std::vector<siamese::NewEntry> entries_of(const json& step) {
    std::vector<siamese::NewEntry> entries;
    for (const json& one : step["entries"]) {
      entries.push_back({one["id"], pictures_.image(one["image"]), one.value("thing", ""),
                         one.value("metadata", Map())});
    }
    return entries;
  }

  Lines enroll(const std::string& gallery, const json& step) {
    const auto entries = entries_of(step);
    auto next = entries.begin();
    const auto kept = client_.enroll(gallery, [&] {
      return next == entries.end() ? std::nullopt : std::optional(*next++);
    });
    Lines lines = {"added " + std::to_string(kept.added) + " replaced " + std::to_string(kept.replaced) +
                   " unchanged " + std::to_string(kept.unchanged) + " failed " +
                   std::to_string(kept.failed)};
    for (const auto& failed : kept.failures) {
      lines.push_back(std::to_string(failed.index) + " " + failed.id + " " + words(failed.error));
    }
    return lines;
  }

  Lines enroll_batch(const std::string& gallery, const json& step) {
    Lines lines;
    for (const auto& result : client_.batch_enroll(gallery, entries_of(step)).results) {
      lines.push_back(result ? text_of(result->status) : words(result.error()));
    }
    return lines;
  }

  Lines remove(const std::string& gallery, const json& step) {
    const auto removed = client_.remove_entries(gallery, step.value("ids", Lines()),
                                                step.value("things", Lines()));
    return {"removed " + std::to_string(removed)};
  }

  Lines entry(const std::string& gallery, const json& step) {
    siamese::EntryOptions options;
    options.include_picture = step.value("include_picture", false);
    options.include_thumbnail = step.value("include_thumbnail", false);
    options.include_embedding = step.value("include_embedding", false);
    const auto entry = client_.entry(gallery, step["id"], options);
    Lines metadata;
    for (const auto& [key, value] : entry.metadata) {
      metadata.push_back(key + "=" + value);
    }
    Lines lines = {entry.id + " " + entry.thing + " " + joined(metadata) + " " + entry.picture_sha256 +
                       " " + entry.model_digest,
                   "picture " + std::to_string(entry.picture.size()) + " thumbnail " +
                       std::to_string(entry.thumbnail_jpeg.size())};
    if (entry.embedding) {
      lines.push_back(::text_of(*entry.embedding));
    }
    return lines;
  }

  Lines entries(const std::string& gallery, const json& step) {
    siamese::EntryListOptions options;
    options.page_size = step.value("page_size", 0U);
    options.filter = step.value("filter", Map());
    options.thing = step.value("thing", "");
    options.stale_only = step.value("stale_only", false);
    Lines ids;
    for (const auto& entry : client_.entries(gallery, options)) {
      ids.push_back(entry.id);
    }
    return {"entries " + joined(ids)};
  }

  Lines identify(const std::string& gallery, const json& step) {
    siamese::IdentifyOptions options;
    options.top_k = step.value("top_k", 0U);
    options.min_similarity = step.value("min_similarity", 0.0F);
    options.filter = step.value("filter", Map());
    options.threshold = threshold_of(step);
    const auto found = client_.identify(gallery, pictures_.image(step["image"]), options);
    Lines lines;
    for (const auto& match : found.matches) {
      lines.push_back(match.thing + " " + match.entry.id + " " + digits(match.similarity) +
                      verdict(match.same));
    }
    lines.push_back("searched " + std::to_string(found.searched_entries));
    return lines;
  }

  Lines duplicates(const std::string& gallery, const json& step) {
    siamese::DuplicateOptions options;
    options.threshold = threshold_of(step);
    options.filter = step.value("filter", Map());
    options.across_things = step.value("across_things", false);
    Lines lines;
    const auto done = client_.find_duplicates(gallery, [&](const siamese::DuplicateGroup& group) {
      Lines alike;
      for (const auto& one : group.entries) {
        alike.push_back(one.entry.id + "=" + digits(one.similarity));
      }
      lines.push_back(joined(alike));
    }, options);
    lines.push_back("looked at " + std::to_string(done.entries));
    return lines;
  }

  Lines reindex(const std::string& gallery, const json& step) {
    siamese::ReindexOptions options;
    options.model = step.value("model", "");
    const auto last = client_.reindex(gallery, {}, options);
    return {"encoded " + std::to_string(last.encoded) + " missing " + std::to_string(last.missing) +
            " of " + std::to_string(last.entries)};
  }

  siamese::Client& client_;
  Pictures& pictures_;
};

}  // namespace

Lines run_gallery(siamese::Client& client, Pictures& pictures, const json& one) {
  Steps steps(client, pictures);
  Lines lines;
  for (const json& step : one["steps"]) {
    Lines told;
    try {
      told = steps.run(step.value("gallery", one["gallery"].get<std::string>()), step);
    } catch (const siamese::Error& e) {
      told = {"error " + words(e)};
    }
    lines.insert(lines.end(), told.begin(), told.end());
  }
  return lines;
}
