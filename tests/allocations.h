#pragma once

namespace palaestra::testing {

/// How often `operator new` has been called so far, by any thread. Defined by allocations.cc, which
/// replaces it in the test programs that list that file as a source. Always 0 under
/// ThreadSanitizer.
long allocations();

}  // namespace palaestra::testing
