#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <palaestra/core/types.h>

namespace palaestra::rollout {

/// Keeps a run's meta.json: the facts of program and machine, and for each session (the run is one
/// session, plus one for every time it was resumed) start, end, steps, threads, CPU and wall
/// seconds. The file is replaced as a whole each time, so a killed run leaves the last state.
class Meta {
 public:
  /// Starts a session. `facts` is a JSON object whose members open the file. Sessions of an older
  /// file are kept. Throws UserError when that file is not what this class writes.
  Meta(std::filesystem::path file, std::string_view facts, int threads, Index first_step,
       bool resumed);

  /// Writes the state of affairs after `steps`; `ended` says the session is over, `complete` that
  /// the run is.
  void write(Index steps, bool ended, bool complete);

  /// Seconds of this session so far.
  double cpu_seconds() const;
  double wall_seconds() const;
  /// Seconds since 1970.
  static double now();

 private:
  std::filesystem::path file_;
  std::string head_;      // facts, as JSON
  std::string sessions_;  // those before this one, as a JSON list
  int threads_;
  Index first_step_;
  double start_cpu_s_, start_wall_s_, start_time_s_;
};

}  // namespace palaestra::rollout
