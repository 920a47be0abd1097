// Early returns for Status and Result.
#pragma once

#include <utility>

#include "varve/status.h"

#define VARVE_CONCAT_INNER(a, b) a##b
#define VARVE_CONCAT(a, b) VARVE_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expression` yields a Status that is not ok.
#define RETURN_IF_ERROR(expression)                                                           \
  do {                                                                                        \
    if (::varve::Status varve_status = (expression); !varve_status.ok()) return varve_status; \
  } while (false)

// `target` may declare a variable: ASSIGN_OR_RETURN(auto x, F());
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_IMPL(VARVE_CONCAT(varve_result_, __LINE__), target, expression)
#define ASSIGN_OR_RETURN_IMPL(result, target, expression) \
  auto result = (expression);                             \
  if (!result.ok()) return result.status();               \
  target = std::move(result).value()
