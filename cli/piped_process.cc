#include <palaestra/cli/piped_process.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <palaestra/core/error.h>

extern char** environ;

namespace palaestra::cli {

PipedProcess::PipedProcess(const std::vector<std::string>& command)
    : errors_(std::tmpfile(), &std::fclose) {
  // a pair of sockets instead of a pipe: writing to a program that has gone is then an error, not
  // a signal
  std::array<int, 2> ends{};
  if (errors_ == nullptr || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::runtime_error(
        concat("cannot prepare to start ", command.front(), ": ", std::strerror(errno)));
  }
  input_ = ends[0];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(errors_.get()), STDERR_FILENO);
  std::vector<std::string> texts = command;
  const std::vector<char*> arguments = argument_pointers(texts);
  const int error =
      posix_spawnp(&child_, arguments.front(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error != 0) {
    child_ = -1;
    close_input();
    throw UserError(concat("cannot start ", command.front(), ": ", std::strerror(error)));
  }
}

PipedProcess::~PipedProcess() {
  close_input();
  if (child_ > 0) {
    kill(child_, SIGKILL);
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
  }
}

void PipedProcess::close_input() {
  if (input_ >= 0) {
    close(input_);
    input_ = -1;
  }
}

bool PipedProcess::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(input_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

ProcessResult PipedProcess::finish() {
  close_input();
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  ProcessResult result;
  result.status = exit_code_of(status);
  std::array<char, 4096> text{};
  std::rewind(errors_.get());
  result.errors.assign(text.data(), std::fread(text.data(), 1, text.size(), errors_.get()));
  return result;
}

}  // namespace palaestra::cli
