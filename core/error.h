#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <ostream>
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

namespace detail {
/// A part of a message and how to stream it. Messages are many, each of types of its own:
/// what all have in common is compiled once.
struct MessagePart {
  const void* value;
  void (*write)(std::ostream& out, const void* value);

  template <class T>
  MessagePart(const T& part)  // NOLINT(google-explicit-constructor): lists of parts are written out
      : value(std::addressof(part)),
        write([](std::ostream& out, const void* x) { out << *static_cast<const T*>(x); }) {}
  /// A literal, of whatever length.
  template <std::size_t kSize>
  MessagePart(const char (&text)[kSize])  // NOLINT(google-explicit-constructor)
      : value(text), write(&write_text) {}

  static void write_text(std::ostream& out, const void* text);
};
std::string streamed(std::initializer_list<MessagePart> parts);
[[noreturn]] void throw_user_error(std::initializer_list<MessagePart> parts);
}  // namespace detail

/// The parts, streamed one after another.
template <class... Parts>
std::string concat(const Parts&... parts) {
  return detail::streamed({detail::MessagePart(parts)...});
}

/// Throws UserError(concat(parts...)) unless `ok`. The message is only built on failure.
template <class... Parts>
void require(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]] {
    detail::throw_user_error({detail::MessagePart(parts)...});
  }
}

}  // namespace palaestra
