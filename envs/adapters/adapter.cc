#include <palaestra/envs/adapters/adapter.h>

#include <algorithm>
#include <utility>

#include <palaestra/envs/batch_checks.h>

namespace palaestra::envs {

Adapter::Adapter(std::unique_ptr<AnyBatch> inner, EnvSpec spec)
    : columns_(inner->columns()), inner_(std::move(inner)), spec_(std::move(spec)) {
  if (const auto* below = dynamic_cast<const Adapter*>(inner_.get())) {
    depth_ = below->depth_ + 1;
  }
  if (!(spec_.observation == inner_->spec().observation)) {
    spec_.goal.reset();  // the row is not divided as it was, or its goals are in other units
  }
}

void Adapter::reset(std::span<const std::uint64_t> seeds, std::span<const std::uint8_t> mask,
                    const Keywords& options) {
  inner_->reset(seeds, mask, options);
  after_reset(seeds, mask);
}

void Adapter::after_reset(std::span<const std::uint64_t> seeds,
                          std::span<const std::uint8_t> mask) {
  for (std::size_t i = 0; i < rows(); ++i) {
    if (mask.empty() || mask[i] != 0) {
      start_row(i, seeds.empty() ? nullptr : &seeds[i]);
    }
  }
}

template <class T>
void Adapter::step_all(std::span<const T> actions) {
  check_actions(0, size(), actions);  // all of them before the first row is stepped
  parallel_for(options().threads, size(), grain(),
               [&](Index begin, Index end, int thread) { step_some(begin, end, thread, actions); });
  finish_step();
}

template <class T>
void Adapter::step_some(Index begin, Index end, int thread, std::span<const T> actions) {
  advance(begin, end, thread, actions);
  if (!inner_->couples_rows()) {
    after_rows(begin, end);
  }
}

// the header's inline functions call these from wherever a compiler puts them
template void Adapter::step_all(std::span<const float>);
template void Adapter::step_all(std::span<const std::int64_t>);

void Adapter::step_rows(Index begin, Index end, int thread, std::span<const float> actions) {
  step_some(begin, end, thread, actions);
}

void Adapter::step_rows(Index begin, Index end, int thread, std::span<const std::int64_t> actions) {
  step_some(begin, end, thread, actions);
}

void Adapter::finish_step() {
  if (inner_->couples_rows()) {
    inner_->finish_step();
    parallel_for(options().threads, size(), grain(),
                 [&](Index begin, Index end, int) { after_rows(begin, end); });
  }
  if (couples_) {
    after_all();
  }
}

void Adapter::get_state(std::span<const Index> rows, std::span<std::byte> out) const {
  detail::require_states(spec_, size(), rows, state_bytes(), std::ssize(out));
  const auto inner_bytes = static_cast<std::size_t>(inner_->state_bytes());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    inner_->get_state(rows.subspan(k, 1), out.first(inner_bytes));
    out = out.subspan(inner_bytes);
    for (const Kept& kept : kept_) {
      const auto row = kept.row(rows[k]);
      std::copy(row.begin(), row.end(), out.begin());
      out = out.subspan(row.size());
    }
  }
}

void Adapter::set_state(std::span<const Index> rows, std::span<const std::byte> states) {
  detail::require_states(spec_, size(), rows, state_bytes(), std::ssize(states));
  const auto inner_bytes = static_cast<std::size_t>(inner_->state_bytes());
  const auto bytes = static_cast<std::size_t>(state_bytes());
  // in one block: the inner batch takes all of them or none
  inner_states_.resize(rows.size() * inner_bytes);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const auto state = states.subspan(k * bytes, inner_bytes);
    std::copy(state.begin(), state.end(),
              inner_states_.begin() + static_cast<std::ptrdiff_t>(k * inner_bytes));
  }
  inner_->set_state(rows, inner_states_);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    auto state = states.subspan(k * bytes + inner_bytes, bytes - inner_bytes);
    for (const Kept& kept : kept_) {
      const auto row = kept.row(rows[k]);
      std::copy_n(state.begin(), row.size(), row.begin());
      state = state.subspan(row.size());
    }
    place_row(static_cast<std::size_t>(rows[k]));
  }
}

template <class F>
void Adapter::for_each_block(std::string_view prefix, F&& f) const {
  for (const Shown& shown : shown_) {
    f(concat(prefix, ".", shown.name), shown.bytes);
  }
  for (const Kept& kept : kept_) {
    f(concat(prefix, ".row.", kept.name), kept.bytes);
  }
}

void Adapter::save(ArchiveWriter& archive, std::string_view prefix) const {
  archive.put_text(concat(prefix, ".wrapper"), name());
  for_each_block(prefix, [&](const std::string& name, std::span<const std::byte> bytes) {
    archive.put_bytes(name, DType::kUint8, bytes, {});
  });
  if (!shared_.empty()) {
    archive.put(concat(prefix, ".shared"), std::span<const double>(shared_));
  }
  inner_->save(archive, concat(prefix, ".inner"));
}

void Adapter::load(const ArchiveReader& archive, std::string_view prefix) {
  const std::string saved = archive.get_text(concat(prefix, ".wrapper"));
  require(saved == name(), "the saved batch is wrapped in ", saved, ", this one in ", name());
  for_each_block(prefix, [&](const std::string& name, std::span<const std::byte> bytes) {
    const auto& block = archive.block(name).bytes;  // before the first change
    require(block.size() == bytes.size(), "the saved block ", name, " of ", spec_.id, " has ",
            block.size(), " bytes, expected ", bytes.size());
  });
  std::vector<double> numbers(shared_.size());
  if (!shared_.empty()) {
    archive.get(concat(prefix, ".shared"), numbers);
    check_shared(numbers);
  }
  inner_->load(archive, concat(prefix, ".inner"));
  for_each_block(prefix, [&](const std::string& name, std::span<std::byte> bytes) {
    const auto& block = archive.block(name).bytes;
    std::copy(block.begin(), block.end(), bytes.begin());
  });
  std::copy(numbers.begin(), numbers.end(), shared_.begin());
  shared_changed();
}

void Adapter::get_shared(std::span<double> out) const {
  require_shared(std::ssize(out));
  const auto inner_size = static_cast<std::size_t>(inner_->shared_size());
  inner_->get_shared(out.first(inner_size));
  std::copy(shared_.begin(), shared_.end(), out.begin() + static_cast<std::ptrdiff_t>(inner_size));
}

void Adapter::set_shared(std::span<const double> values) {
  require_shared(std::ssize(values));
  const auto inner_size = static_cast<std::size_t>(inner_->shared_size());
  const auto own = values.subspan(inner_size);
  check_shared(own);
  inner_->set_shared(values.first(inner_size));
  std::copy(own.begin(), own.end(), shared_.begin());
  shared_changed();
}

}  // namespace palaestra::envs
