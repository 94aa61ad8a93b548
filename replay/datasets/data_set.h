#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/replay/datasets/data_column.h>

namespace palaestra::replay {

enum class DataFormat : std::uint8_t {
  kMinari,  ///< a folder with main_data.hdf5, a group per episode, and metadata.json
  kD4rl,    ///< one HDF5 file of flat arrays
};
std::string_view name_of(DataFormat format);  ///< "minari", "d4rl"

struct DataSetOptions {
  /// Steps after which an episode ends where a D4RL file has no "timeouts"; 0 = only where the task
  /// ended.
  Index time_limit = 0;
};

/// What is known of an episode without reading its values.
struct EpisodeFacts {
  Index id = 0;                                ///< the file's own number
  Index length = 0;                            ///< steps
  bool terminated = false, truncated = false;  ///< how the last step ended; neither: it was cut off
  /// State columns have the row after the last step. A D4RL file without "next_observations" does
  /// not know it: they have `length` rows then.
  bool last_known = true;
  std::optional<Index> seed;

  Index rows(const DataColumn& column) const {
    return length + (column.state && last_known ? 1 : 0);
  }
};

/// Recorded episodes on disk. Opening reads what there is, not the values: those are read range by
/// range when they are asked for.
///
/// Files are taken for an enemy's: whatever is in them, the calls below give values or throw
/// UserError that says what is wrong where. One thread at a time.
class DataSet {
 public:
  /// A Minari data set by its folder (with or without `data`) or its main_data.hdf5; any other file
  /// is taken for D4RL's. Throws UserError for what is not there, damaged or not read.
  explicit DataSet(const std::filesystem::path& path, const DataSetOptions& options = {});
  ~DataSet();
  DataSet(DataSet&&) noexcept;
  DataSet& operator=(DataSet&&) noexcept;

  DataFormat format() const;
  const std::filesystem::path& path() const { return path_; }
  /// The HDF5 file that holds the values.
  const std::filesystem::path& file() const { return file_; }
  /// observation columns first, then action, reward, terminated, truncated, info.
  const std::vector<DataColumn>& columns() const;
  /// Throws UserError that suggests the nearest name.
  std::size_t find(std::string_view column) const;
  /// What the file says about itself, as the text of a JSON object.
  const std::string& metadata() const;
  /// What is in the file and not read, a line each.
  const std::vector<std::string>& ignored() const;

  Index episodes() const;
  /// Of all episodes: looks at each of them.
  Index steps() const;
  /// Episodes are numbered from 0 in the order of their ids.
  EpisodeFacts episode(Index number) const;
  /// Sum of an episode's rewards.
  double episode_return(Index number) const;

  /// Copies rows [first, first + count) of a column of an episode, row-major, in the column's type.
  /// Throws UserError for numbers out of range, and for an episode whose columns are not those of
  /// the first one.
  void read(std::size_t column, Index episode, Index first, Index count,
            std::span<std::byte> out) const;
  template <class T>
  std::vector<T> read_vector(std::string_view column, Index episode, Index first,
                             Index count) const {
    const std::size_t number = find(column);
    std::vector<T> values(
        static_cast<std::size_t>(count * columns()[number].width()));  // count is checked below
    require_type(number, sizeof(T));
    read(number, episode, first, count, std::as_writable_bytes(std::span<T>(values)));
    return values;
  }

  /// What a format has to offer; see reader.h.
  struct Reader;
  Reader& reader() const { return *reader_; }

 private:
  void require_type(std::size_t column, std::size_t bytes) const;

  std::filesystem::path path_, file_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace palaestra::replay
