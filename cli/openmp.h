#pragma once

namespace palaestra::cli {

/// Makes idle threads of GCC's OpenMP sleep soon instead of spinning for hundreds of milliseconds:
/// where other processes want the same cores, a spinning thread keeps the working one from running
/// (training measured 4 times slower on two busy cores). The runtime reads its settings when it is
/// loaded, before main(), so the program starts itself again with the setting; what the user has
/// set stands.
void let_idle_threads_sleep(char** argv);

}  // namespace palaestra::cli
