#include <palaestra/core/interrupt.h>

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace palaestra;

namespace {

int heard = 0;
void hear(int number) { heard = number; }

}  // namespace

TEST_CASE("a signal raises the flag, and the old handler is back afterwards") {
  struct sigaction mine {
  }, old{}, now{};
  mine.sa_handler = hear;
  sigaction(SIGINT, &mine, &old);
  {
    const InterruptGuard guard;
    CHECK_FALSE(guard.requested());
    CHECK(guard.signal() == 0);
    raise(SIGINT);
    CHECK(guard.requested());
    CHECK(guard.flag().load());
    CHECK(guard.signal() == SIGINT);
    CHECK(heard == 0);
    raise(SIGINT);  // the second one acts as before the guard
    CHECK(heard == SIGINT);
  }
  heard = 0;
  sigaction(SIGINT, nullptr, &now);
  CHECK((now.sa_handler == hear));
  {
    const InterruptGuard again;
    CHECK_FALSE(again.requested());
    {
      const InterruptGuard inner;
      raise(SIGTERM);
      CHECK(inner.requested());
    }
    CHECK(again.requested());  // the inner one's end clears nothing
    CHECK(again.signal() == SIGTERM);
  }
  CHECK(heard == 0);
  sigaction(SIGINT, &old, nullptr);
}

TEST_CASE("an ignored signal stays ignored") {
  struct sigaction ignore {
  }, old{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &old);
  {
    const InterruptGuard guard;
    raise(SIGINT);
    CHECK_FALSE(guard.requested());
  }
  sigaction(SIGINT, &old, nullptr);
}

TEST_CASE("the second signal ends a program that does not answer") {
  const pid_t child = fork();
  if (child == 0) {
    struct sigaction plain {};
    plain.sa_handler = SIG_DFL;
    sigaction(SIGTERM, &plain, nullptr);
    const InterruptGuard guard;
    raise(SIGTERM);
    if (!guard.requested()) {
      _exit(3);
    }
    raise(SIGTERM);
    _exit(4);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
}
