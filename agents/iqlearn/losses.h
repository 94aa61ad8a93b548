#pragma once

#include <palaestra/agents/iqlearn/config.h>
#include <palaestra/agents/iqlearn/networks.h>

// The objective of IQ-Learn (Garg et al. 2021, arXiv 2106.12142) as expressions over the vectors
// "critic", "target_critic" and "actor". The rows of expert and learner stand in one batch, in any
// proportion; all draws are inputs.

namespace palaestra::agents::iqlearn {

/// The inputs "observation", "action", "discount", "weight", "next_observation" and "expert".
struct Rows {
  nn::Expr observation, action, next_observation;
  nn::Expr discount;  ///< γ (1 - d), d = 1 where the episode terminated
  nn::Expr weight;    ///< how much a row counts among those of its side
  nn::Expr expert;    ///< 1 in the expert's rows, 0 in the learner's own
};
Rows row_inputs(nn::Graph& graph, Index observation_size, Index action_size);

/// What the networks say at these rows.
struct Values {
  nn::Expr q;       ///< Q_i(s, a), [critics, rows, 1]
  nn::Expr v;       ///< V(s), [1, rows, 1]
  nn::Expr next_v;  ///< V(s'), of target critics or not, [1, rows, 1]
};

/// One draw of V(s) = E_a[min_i Q_i(s, a) - T log π(a|s)], a ~ π(·|s) from `noise`, `vector` naming
/// the critics. With `alive` there is one action, 0, and no entropy where that is 0.
nn::Expr value_of_numbers(const sac::Actor& actor, const Critic& critic, nn::Expr observation,
                          nn::Expr noise, nn::Expr temperature, std::string_view vector,
                          nn::Expr alive = {});
/// V(s) = T log Σ_a exp(min_i Q_i(s, a) / T): exact.
nn::Expr value_of_choices(const ChoiceCritic& critic, nn::Expr observation, nn::Expr temperature,
                          std::string_view vector);

/// Of the vector that V(s') is read from.
std::string_view next_vector(const IqLearnConfig& config);

Values values_of_numbers(const IqLearnConfig& config, const sac::Actor& actor, const Critic& critic,
                         const Rows& rows, nn::Expr noise, nn::Expr next_noise,
                         nn::Expr temperature);
Values values_of_choices(const IqLearnConfig& config, const ChoiceCritic& critic, const Rows& rows,
                         nn::Expr temperature);

/// With r = Q - γ (1 - d) V(s'), the reward of which Q is the soft action value (eq. 6), and means
/// over rows by their weights:
///   loss = -E_e[r] + value_term + E_M[r²] / (4 a)
///   value_term   value         E_{p+e}[V(s) - γ (1 - d) V(s')]
///                value_expert  E_e[V(s) - γ (1 - d) V(s')]
///                v0            (1 - γ) E_e[V(s)]
/// where M is p+e, or e without `regularize`; of several critics the mean. A side without rows adds
/// nothing.
struct Objective {
  nn::Expr loss, value_term, chi2_term;
  nn::Expr expert_reward, own_reward;  ///< E_e[r], which the loss begins with, and E_p[r]
};
Objective objective(const IqLearnConfig& config, const Values& values, const Rows& rows);

}  // namespace palaestra::agents::iqlearn
