#pragma once

#include <palaestra/agents/valuedice/networks.h>
#include <palaestra/nn/expr.h>

// The losses of ValueDICE (Kostrikov, Nachum, Tompson 2020, arXiv 1912.05032) as expressions. They
// read the flat vectors "nu" and "actor" and draw no numbers of their own.
//
// The problem is  min_π KL(d^π || d^e), d(s,a) being the discounted share of time spent at (s,a).
// Donsker and Varadhan's form of the divergence, with x(s,a) = ν(s,a) − (B^π ν)(s,a) for its
// function and (B^π ν)(s,a) = γ E_{s', a'~π} ν(s',a'), turns the term over d^π, of which there are
// no rows, into one over first states:
//   max_π min_ν J(π,ν) = log E_{d^e} e^x − (1−γ) E_{s0, a0~π} ν(s0,a0)
// Here both distributions are mixed with a share β of the collected rows, d^R:
//   J = log E_{(1−β) d^e + β d^R} e^x − (1−β)(1−γ) E_{s0, a0~π} ν(s0,a0) − β E_{d^R} x
// For a given π its minimum over ν is −KL((1−β) d^π + β d^R || (1−β) d^e + β d^R), where x is the
// logarithm of the first over the second, up to a constant, to which J is blind.

namespace palaestra::agents::valuedice {

/// Numbers of rows, [1, rows, 1], and what each row counts; `rows` is fixed. Weights are above 0;
/// only their ratios matter.
struct Weighted {
  nn::Expr value, weight;
};

struct Objective {
  nn::Expr value;   ///< J
  nn::Expr shares;  ///< [1, 1, rows]: what each row has of E e^x, demonstrations first; their sum
                    ///< is 1
};

/// J of given numbers: `expert` and `replay` are x at the rows of d^e and d^R, `first` is ν(s0,a0).
/// Without a share β = `replay_share` the last is not looked at, and may be empty.
///
/// The logarithm is differentiated as it stands, so that dJ/dx of a row is its share less what the
/// linear terms say. The authors' code has Σ stop_gradient(share) x in its place: another value,
/// the same gradient.
Objective objective(const Weighted& expert, const Weighted& first, const Weighted& replay,
                    double replay_share, double discount);

/// Columns of a minibatch of a fixed number of rows; actions within [-1, 1].
struct Rows {
  nn::Expr observation, action, next_observation;
  nn::Expr discount;  ///< γ, 0 where the episode terminated: what would follow counts nothing
  nn::Expr weight;
};

/// The inputs prefix + "observation", ... of as many rows as the settings say.
Rows row_inputs(nn::Graph& graph, std::string_view prefix, Index observation_size,
                Index action_size, const ValueDiceConfig& config);

/// Random numbers of an update.
struct Draws {
  nn::Expr expert_next, first, replay_next;  ///< standard normal, [1, rows, actions]: of a' and a0
  nn::Expr mix;                              ///< uniform in [0, 1), [1, rows, 1]
};

struct Losses {
  nn::Expr nu, actor;   ///< what is minimised: J + λ penalty over ν, −J + regulariser over π
  Objective objective;  ///< J
  nn::Expr penalty;     ///< unweighted
  nn::Expr orthogonal;  ///< the regulariser, unweighted
  nn::Expr expert_nu, replay_nu;  ///< ν(s,a), [1, rows, 1]
  nn::Expr entropy;               ///< −log π(a'|s') at the collected rows, [1, rows, 1]
};

/// Both players' losses. One a' and one s' stand for the expectation within e^x: exact where
/// dynamics and policy are deterministic, else too large on average (Jensen). Every demonstrated
/// state is a first state. With absorbing states there is one action in them, 0.
Losses losses(const sac::Actor& actor, const Nu& nu, const ValueDiceConfig& config,
              const Rows& expert, const Rows& replay, const Draws& draws);

/// mean (|∂ν/∂(s,a)| − 1)² over points between rows of both sides: of (s,a), and with the same
/// shares `mix` of (s',a').
nn::Expr slope_penalty(const Nu& nu, nn::Expr expert, nn::Expr replay, nn::Expr expert_next,
                       nn::Expr replay_next, nn::Expr mix);

/// Σ over layers and pairs i ≠ j of units of (w_i · w_j)², w_i being the weights into unit i:
/// ‖WᵀW ∘ (1 − I)‖², eq. 3 of Brock et al. 2019, arXiv 1809.11096. Of the vector "actor".
nn::Expr orthogonal_regularizer(nn::Graph& graph, const sac::Actor& actor);

}  // namespace palaestra::agents::valuedice
