#include <palaestra/core/error.h>

#include <sstream>
#include <utility>

namespace palaestra::detail {

void MessagePart::write_text(std::ostream& out, const void* text) {
  out << static_cast<const char*>(text);
}

std::string streamed(std::initializer_list<MessagePart> parts) {
  std::ostringstream text;
  for (const MessagePart& part : parts) {
    part.write(text, part.value);
  }
  return std::move(text).str();
}

void throw_user_error(std::initializer_list<MessagePart> parts) {
  throw UserError(streamed(parts));
}

}  // namespace palaestra::detail
