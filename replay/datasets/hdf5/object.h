#pragma once

#include <map>
#include <optional>

#include <palaestra/replay/datasets/hdf5/messages.h>

namespace palaestra::replay::hdf5 {

/// A message of an object's header.
struct Message {
  std::uint16_t type = 0;
  std::vector<std::byte> bytes;
};

/// A short value beside a group or data set.
struct Attribute {
  std::string name;
  Type type;
  std::uint64_t elements = 0;
  std::vector<std::byte> raw;  ///< as in the file

  /// Nothing where it is not one text, or not one number.
  std::optional<std::string> text(const Source& source) const;
  std::optional<double> number(const Source& source) const;
  std::optional<Index> integer(const Source& source) const;
};

/// The header of a group or data set.
class Object {
 public:
  Object(std::shared_ptr<const Source> source, Address address);

  bool is_group() const;
  bool is_data_set() const { return find(kLayout) != nullptr; }
  /// What a group holds: names and addresses of groups and data sets. Symbolic and external links
  /// are left out: a file does not make us open another. Throws UserError for a damaged group.
  std::map<std::string, Address> links() const;
  std::vector<Attribute> attributes() const;
  /// The message's bytes, or null; the first of its type.
  const Message* find(std::uint16_t type) const;

  const Source& source() const { return *source_; }
  std::shared_ptr<const Source> shared_source() const { return source_; }

  static constexpr std::uint16_t kSpace = 0x01, kLinkInfo = 0x02, kType = 0x03, kLink = 0x06,
                                 kLayout = 0x08, kFilters = 0x0B, kAttribute = 0x0C,
                                 kContinuation = 0x10, kSymbolTable = 0x11, kAttributeInfo = 0x15;

 private:
  void parse_version_1(Address address);
  void parse_version_2(Address address);
  void add(std::uint16_t type, std::uint8_t flags, std::span<const std::byte> bytes);

  std::shared_ptr<const Source> source_;
  std::vector<Message> messages_;
};

/// The group at the top of a file. Throws UserError for a file that is no HDF5, or one of a kind
/// that is not read.
Object root_of(const std::shared_ptr<const Source>& source);

}  // namespace palaestra::replay::hdf5
