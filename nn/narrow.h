#pragma once

// Internal to nn.

#include <type_traits>

#include <palaestra/nn/op.h>

namespace palaestra::nn::detail {

/// Calls body(width) where a width of up to eight is a constant of the compiler's: rows of two or
/// three numbers are otherwise mostly the overhead of their loops.
template <class Body>
void with_width(Index width, const Body& body) {
  const auto constant = [&]<Index kWidth>() { body(std::integral_constant<Index, kWidth>()); };
  switch (width) {
    case 1:
      return constant.template operator()<1>();
    case 2:
      return constant.template operator()<2>();
    case 3:
      return constant.template operator()<3>();
    case 4:
      return constant.template operator()<4>();
    case 5:
      return constant.template operator()<5>();
    case 6:
      return constant.template operator()<6>();
    case 7:
      return constant.template operator()<7>();
    case 8:
      return constant.template operator()<8>();
    default:
      return body(width);
  }
}

}  // namespace palaestra::nn::detail
