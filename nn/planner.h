#pragma once

#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::nn::detail {

/// A value that needs work space from the step that makes it to the last that reads it.
struct Buffer {
  Index size = 0;    ///< numbers, at the planned maximum of rows
  int first = 0;     ///< step that writes it
  int last = 0;      ///< last step that reads it
  int reuses = -1;   ///< a buffer that dies where this one is born and whose memory it may take
  Index offset = 0;  ///< result of plan_buffers()
};

/// Gives each buffer an offset so that no two that live at the same time overlap, and returns the
/// size of the whole. Offsets are multiples of 64 bytes for float.
Index plan_buffers(std::vector<Buffer>& buffers);

}  // namespace palaestra::nn::detail
