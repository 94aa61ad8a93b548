#include <palaestra/cli/process.h>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <palaestra/core/error.h>

extern char** environ;

namespace palaestra::cli {
namespace {

struct Pipe {
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw std::runtime_error(concat("pipe: ", std::strerror(errno)));
    }
  }
  ~Pipe() {
    close_write();
    close(ends[0]);
  }
  void close_write() {
    if (ends[1] >= 0) {
      close(ends[1]);
      ends[1] = -1;
    }
  }
  std::array<int, 2> ends{-1, -1};
};

/// Appends what can be read now; false at the end of the stream.
bool drain(int descriptor, std::string& text) {
  std::array<char, 4096> block;
  const ssize_t count = read(descriptor, block.data(), block.size());
  if (count > 0) {
    text.append(block.data(), static_cast<std::size_t>(count));
  }
  return count > 0 || (count < 0 && errno == EINTR);
}

std::vector<std::string> with(const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> all;
  all.reserve(added.size());
  for (const auto& [name, value] : added) {
    all.push_back(concat(name, '=', value));
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    bool replaced = false;
    for (const auto& [name, value] : added) {
      replaced |= text.starts_with(concat(name, '='));
    }
    if (!replaced) {
      all.push_back(text);
    }
  }
  return all;
}

}  // namespace

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<char*> argument_pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  result.reserve(words.size() + 1);
  for (std::string& word : words) {
    result.push_back(word.data());
  }
  result.push_back(nullptr);
  return result;
}

ProcessResult run_process(const std::vector<std::string>& command,
                          const std::vector<std::pair<std::string, std::string>>& environment) {
  Pipe out, err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.ends[1], STDERR_FILENO);
  std::vector<std::string> arguments = command, variables = with(environment);
  pid_t child = -1;
  const int error =
      posix_spawnp(&child, arguments.front().c_str(), &actions, nullptr,
                   argument_pointers(arguments).data(), argument_pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  ProcessResult result;
  if (error != 0) {
    result.errors = std::strerror(error);
    return result;
  }
  out.close_write();
  err.close_write();
  std::array<pollfd, 2> streams{{{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    if (poll(streams.data(), streams.size(), -1) < 0 && errno != EINTR) {
      break;
    }
    for (std::size_t i = 0; i < streams.size(); ++i) {
      if (streams[i].fd >= 0 && streams[i].revents != 0 &&
          !drain(streams[i].fd, i == 0 ? result.output : result.errors)) {
        streams[i].fd = -1;
      }
    }
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.status = exit_code_of(status);
  constexpr std::size_t kTail = 4000;
  if (result.errors.size() > kTail) {
    result.errors.erase(0, result.errors.size() - kTail);
  }
  return result;
}

}  // namespace palaestra::cli
