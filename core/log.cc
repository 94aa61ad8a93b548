#include <palaestra/core/log.h>

#include <cmath>
#include <cstring>

#include <palaestra/core/hash.h>
#include <palaestra/core/text.h>

namespace palaestra {
namespace {

void append_json(std::string& out, bool value) { out += value ? "true" : "false"; }
void append_json(std::string& out, Index value) { out += std::to_string(value); }
void append_json(std::string& out, double value) {
  out += std::isfinite(value) ? to_text(value) : "null";
}
void append_json(std::string& out, std::string_view text) { append_json_string(out, text); }
template <class T>
void append_json(std::string& out, std::span<const T> values) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    out += i ? ", " : "";
    append_json(out, values[i]);
  }
  out += ']';
}

// protocol-buffer encoding: a key is (field number << 3 | wire type)
enum WireType : unsigned char { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out += static_cast<char>(value | 0x80);
  }
  out += static_cast<char>(value);
}

void put_key(std::string& out, unsigned field, WireType type) {
  put_varint(out, (field << 3) | type);
}

void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

/// Little-endian bytes of a number.
template <class T>
void put_raw(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

/// TFRecord's rotated and shifted CRC-32C, so that a checksum of a checksum stays useful.
std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc =
      crc32c(std::as_bytes(std::span<const char>(bytes.data(), bytes.size())));
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// fields of tensorflow's event.proto and summary.proto
constexpr unsigned kEventWallTime = 1, kEventStep = 2, kEventFileVersion = 3, kEventSummary = 5;
constexpr unsigned kSummaryValue = 1, kValueTag = 1, kValueSimple = 2;

void start_event(std::string& event, double wall_time_s) {
  event.clear();
  put_key(event, kEventWallTime, kFixed64);
  put_raw(event, wall_time_s);
}

/// Whether `value` is a single number, and which.
bool as_number(const LogEntry::Value& value, double& number) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    number = *flag ? 1.0 : 0.0;
  } else if (const auto* integer = std::get_if<Index>(&value)) {
    number = static_cast<double>(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    number = *real;
  } else {
    return false;
  }
  return true;
}

}  // namespace

void JsonLines::append(std::span<const LogEntry> row) {
  line_ = '{';
  for (const LogEntry& entry : row) {
    line_ += line_.size() > 1 ? ", " : "";
    append_json_string(line_, entry.name);
    line_ += ": ";
    std::visit([&](const auto& value) { append_json(line_, value); }, entry.value);
  }
  line_ += "}\n";
  file_.append(line_);
}

EventFile::EventFile(const std::filesystem::path& file, double wall_time_s, Index keep)
    : file_(file, keep) {
  if (keep == 0) {
    start_event(event_, wall_time_s);
    put_bytes(event_, kEventFileVersion, "brain.Event:2");
    write_record();
  }
}

void EventFile::append(Index step, double wall_time_s, std::span<const LogEntry> row) {
  summary_.clear();
  for (const LogEntry& entry : row) {
    double number = 0;
    if (as_number(entry.value, number)) {
      value_.clear();
      put_bytes(value_, kValueTag, entry.name);
      put_key(value_, kValueSimple, kFixed32);
      put_raw(value_, static_cast<float>(number));
      put_bytes(summary_, kSummaryValue, value_);
    }
  }
  start_event(event_, wall_time_s);
  put_key(event_, kEventStep, kVarint);
  put_varint(event_, static_cast<std::uint64_t>(step));
  put_bytes(event_, kEventSummary, summary_);
  write_record();
}

void EventFile::write_record() {
  record_.clear();
  put_raw(record_, std::uint64_t{event_.size()});
  put_raw(record_, masked_crc(record_));
  record_ += event_;
  put_raw(record_, masked_crc(event_));
  file_.append(record_);
}

}  // namespace palaestra
