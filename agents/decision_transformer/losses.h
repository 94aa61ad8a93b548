#pragma once

#include <palaestra/agents/decision_transformer/networks.h>

namespace palaestra::agents::decision_transformer {

/// Windows of `context` steps; arrays are [1, windows * context, width], padding behind.
struct Windows {
  nn::Expr to_go;        ///< standardised return-to-go
  nn::Expr observation;  ///< one-hot or standardised
  nn::Expr action;
  nn::Expr weight;  ///< 1 / steps of the batch, 0 in padding
};

/// The inputs "to_go", "observation", "action", "weight".
Windows window_inputs(nn::Graph& graph, const doc::Task& task, Index context);

/// Mean over the steps of the batch of
///   -log π(a_t|·)            where actions are counted (cross-entropy),
///   |a_t - π(·)|² / width    where they are numbers, standardised,
/// as in the paper, section 3.
nn::Expr imitation_loss(const Policy& policy, const Windows& w,
                        const sequence::Dropout::Factors& dropout = {});

}  // namespace palaestra::agents::decision_transformer
