#pragma once

namespace palaestra::testing {

/// How often this program has asked malloc or one of its sisters for memory so far, on any thread,
/// from operator new and inside the libraries that it uses. Always 0 under a sanitizer, which has
/// an allocator of its own.
long heap_calls();

/// Bytes that it holds now; 0 under a sanitizer.
double heap_bytes();

/// Whether the two above count.
bool heap_is_counted();

}  // namespace palaestra::testing
