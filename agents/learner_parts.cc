#include <palaestra/agents/learner_parts.h>

#include <cmath>
#include <stdexcept>

#include <palaestra/core/error.h>

namespace palaestra::agents {

void require_finite(std::string_view agent, std::string_view what, double loss, Index update) {
  if (!std::isfinite(loss)) [[unlikely]] {
    throw std::runtime_error(concat(agent, " diverged: the ", what, " loss of update ", update,
                                    " is ", loss,
                                    "; lower learning rates may help, layer_norm or clip_norm "
                                    "where there are such settings, or the batch holds such a "
                                    "number"));
  }
}

}  // namespace palaestra::agents
