#include <palaestra/rollout/meta.h>

#include <time.h>

#include <algorithm>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/json.h>

namespace palaestra::rollout {
namespace {

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// ISO 8601 in UTC, to the second.
std::string utc(double seconds_since_1970) {
  const auto whole = static_cast<time_t>(seconds_since_1970);
  tm parts{};
  gmtime_r(&whole, &parts);
  char text[32];
  const auto length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

/// Whether this is what Meta writes, as far as it is read again.
bool has_sessions(const Json& meta) {
  if (!meta.is_object() || !meta.contains("sessions") || !meta["sessions"].is_array()) {
    return false;
  }
  const auto is_session = [](const Json& session) {
    const auto is_time = [&](const char* key) {
      return !session.contains(key) || session[key].is_number();
    };
    return session.is_object() && is_time("cpu_s") && is_time("wall_s");
  };
  return std::all_of(meta["sessions"].begin(), meta["sessions"].end(), is_session);
}

double total(const Json& sessions, const char* key) {
  double sum = 0;
  for (const Json& session : sessions) {
    sum += session.value(key, 0.0);
  }
  return sum;
}

}  // namespace

Meta::Meta(std::filesystem::path file, std::string_view facts, int threads, Index first_step,
           bool resumed)
    : file_(std::move(file)),
      head_(facts),
      sessions_("[]"),
      threads_(threads),
      first_step_(first_step),
      start_cpu_s_(seconds(CLOCK_PROCESS_CPUTIME_ID)),
      start_wall_s_(seconds(CLOCK_MONOTONIC)),
      start_time_s_(now()) {
  if (resumed && std::filesystem::exists(file_)) {
    const Json old = try_parse_json(read_text(file_));
    require(has_sessions(old), file_.string(),
            " is damaged; move it away to go on without the times in it");
    sessions_ = json_text(old["sessions"]);
  }
}

double Meta::now() { return seconds(CLOCK_REALTIME); }
double Meta::cpu_seconds() const { return seconds(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_s_; }
double Meta::wall_seconds() const { return seconds(CLOCK_MONOTONIC) - start_wall_s_; }

void Meta::write(Index steps, bool ended, bool complete) {
  Json sessions = parse_json(sessions_);
  Json session;
  session["start"] = utc(start_time_s_);
  session["end"] = ended ? Json(utc(now())) : Json(nullptr);
  session["first_step"] = first_step_;
  session["steps"] = steps;
  session["threads"] = threads_;
  session["cpu_s"] = cpu_seconds();
  session["wall_s"] = wall_seconds();
  sessions.push_back(std::move(session));

  Json meta = parse_json(head_);
  meta["threads"] = threads_;
  meta["start"] = sessions.front()["start"];
  meta["end"] = sessions.back()["end"];
  meta["complete"] = complete;
  meta["steps"] = steps;
  meta["cpu_s"] = total(sessions, "cpu_s");
  meta["wall_s"] = total(sessions, "wall_s");
  meta["sessions"] = std::move(sessions);
  write_atomically(file_, json_text(meta, 2) + "\n");
}

}  // namespace palaestra::rollout
