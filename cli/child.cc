#include <palaestra/cli/child.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <palaestra/cli/process.h>
#include <palaestra/core/error.h>

namespace palaestra::cli {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

int open_for_writing(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  require(descriptor >= 0, file.string(), " cannot be written: ", std::strerror(errno));
  return descriptor;
}

}  // namespace

Child::Child(const std::vector<std::string>& command, const std::filesystem::path& output,
             const std::filesystem::path& errors)
    : start_(now()) {
  std::vector<std::string> words = command;
  const std::vector<char*> arguments = argument_pointers(words);
  const int out = open_for_writing(output), err = open_for_writing(errors);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t parent = getpid();
  // vfork copies no page tables, which fork does for a third of what a run costs this process; it
  // shares the memory until exec, and so there is nothing here but calls to the system
  pid_ = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
      _exit(127);
    }
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    dup2(nothing, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execv("/proc/self/exe", arguments.data());  // the file that this process was started from
    execvp(arguments.front(), arguments.data());
    _exit(127);
  }
  const int problem = errno;
  for (const int descriptor : {out, err, nothing}) {
    close(descriptor);
  }
  require(pid_ > 0, command.front(), " cannot be started: ", std::strerror(problem));
  descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));  // closed in its own children
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      start_(other.start_),
      end_(other.end_) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(start_, other.start_);
  std::swap(end_, other.end_);
  return *this;
}

Child::~Child() {
  if (pid_ > 0 && !end_) {
    interrupt();
    reap(0);
  }
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

std::optional<Child::End> Child::ended() { return end_ ? end_ : reap(WNOHANG); }

void Child::interrupt() const {
  if (pid_ > 0 && !end_) {
    kill(pid_, SIGTERM);
  }
}

std::optional<Child::End> Child::reap(int flags) {
  int status = 0;
  rusage usage{};
  pid_t found = 0;
  do {
    found = wait4(pid_, &status, flags, &usage);
  } while (found < 0 && errno == EINTR);
  if (found == 0) {
    return {};
  }
  end_ = End{.status = found < 0 ? -1 : exit_code_of(status),
             .cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime),
             .wall_s = now() - start_};
  return end_;
}

void wait_for_any(const std::vector<const Child*>& children, std::chrono::milliseconds most) {
  constexpr std::chrono::milliseconds kWithoutDescriptors{20};
  std::vector<pollfd> watched;
  for (const Child* child : children) {
    if (child->descriptor() < 0) {
      most = std::min(most, kWithoutDescriptors);
    } else {
      watched.push_back({.fd = child->descriptor(), .events = POLLIN, .revents = 0});
    }
  }
  poll(watched.data(), watched.size(), static_cast<int>(most.count()));
}

}  // namespace palaestra::cli
