#include <palaestra/cli/record.h>

#include <array>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/replay/datasets/hdf5/writer.h>

namespace palaestra::cli {

namespace fs = std::filesystem;

struct Recorder::Impl {
  Impl(const fs::path& target, const envs::AnyBatch& batch) : file(target) {
    const envs::EnvSpec& spec = batch.spec();
    const bool discrete = spec.action.kind == Space::Kind::kDiscrete;
    const auto add = [&](const char* name, DType dtype, const std::vector<Index>& shape) {
      std::vector<Index> step{batch.size()};
      step.insert(step.end(), shape.begin(), shape.end());
      columns.emplace_back(file, name, dtype, step);
    };
    add("observation", spec.observation.dtype, spec.observation.shape);
    add("action", discrete ? DType::kInt64 : DType::kFloat32, spec.action.shape);
    add("reward", DType::kFloat64, {});
    add("terminated", DType::kUint8, {});
    add("truncated", DType::kUint8, {});
    add("reset", DType::kUint8, {});
    file.set_attribute("/", "env", spec.id);
    file.set_attribute("/", "autoreset", "NextStep");
    file.set_attribute("/", "seed", static_cast<Index>(batch.options().seed));
    std::vector<Index> first{1, batch.size()};
    first.insert(first.end(), spec.observation.shape.begin(), spec.observation.shape.end());
    file.add_table("first_observation", spec.observation.dtype, first, batch.columns().observation);
  }

  replay::hdf5::FileWriter file;
  std::vector<replay::hdf5::RowWriter> columns;
};

Recorder::Recorder(const fs::path& file, const envs::AnyBatch& batch)
    : impl_(std::make_unique<Impl>(file, batch)) {}
Recorder::~Recorder() = default;

void Recorder::append(const envs::AnyBatch& batch, const rollout::Actions& actions) {
  const auto& c = batch.columns();
  const void* action = actions.choices.empty() ? static_cast<const void*>(actions.numbers.data())
                                               : actions.choices.data();
  const std::array<const void*, 6> rows{c.observation, action,      c.reward,
                                        c.terminated,  c.truncated, c.reset};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    impl_->columns[i].append(rows[i]);
  }
}

void Recorder::finish() {
  for (auto& column : impl_->columns) {
    column.flush();
  }
  impl_->columns.clear();  // data sets before their file
  impl_->file.finish();
}

}  // namespace palaestra::cli
