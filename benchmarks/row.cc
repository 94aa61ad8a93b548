#include <palaestra/benchmarks/row.h>

#include <time.h>

#include <algorithm>
#include <stdexcept>

namespace palaestra::benchmarks {
namespace {

double seconds(clockid_t clock) {
  timespec now{};
  if (clock_gettime(clock, &now) != 0) {
    throw std::runtime_error("the system has no CPU-time clock");
  }
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 != 0) {
    return *middle;
  }
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double quotient(double ours, double theirs, bool higher_is_better) {
  if (ours <= 0 || theirs <= 0) {
    return 0;
  }
  return higher_is_better ? ours / theirs : theirs / ours;
}

}  // namespace

double Row::ratio() const { return quotient(value, peer_value, higher_is_better); }
double Row::share_of_limit() const { return quotient(value, limit, higher_is_better); }

double thread_cpu_seconds() { return seconds(CLOCK_THREAD_CPUTIME_ID); }
double process_cpu_seconds() { return seconds(CLOCK_PROCESS_CPUTIME_ID); }

std::vector<double> interleave(const std::vector<Contender>& contenders, int rounds, int warmup) {
  if (rounds < 1) {
    throw std::logic_error("interleave: at least one round");
  }
  std::vector<std::vector<double>> samples(contenders.size());
  for (int round = -warmup; round < rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      // the process clock: a contender may use threads, and their work counts
      const double start = process_cpu_seconds();
      contenders[i].burst();
      const double spent = process_cpu_seconds() - start;
      if (round >= 0) {
        samples[i].push_back(spent / contenders[i].work);
      }
    }
  }
  std::vector<double> result;
  result.reserve(samples.size());
  for (auto& sample : samples) {
    result.push_back(median(std::move(sample)));
  }
  return result;
}

}  // namespace palaestra::benchmarks
