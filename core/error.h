#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace palaestra {

/// Something the caller can mend: a bad argument, file, setting or environment id.
///
/// The message names the argument, its value and what is accepted. The object that threw is
/// unchanged. The command line turns it into exit code 2. Everything else that derives from
/// std::exception is a defect of the program (exit code 1).
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The parts, streamed one after another.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return std::move(text).str();
}

/// Throws UserError(concat(parts...)) unless `ok`. The message is only built on failure.
template <class... Parts>
void require(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]] {
    throw UserError(concat(parts...));
  }
}

}  // namespace palaestra
