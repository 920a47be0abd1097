// What a parser must know of a matcher's regular expression.
#pragma once

#include "varve/matcher.h"
#include "varve/status.h"

namespace varve::promql {

// Whether a series without the label satisfies the matcher. Error: kInvalidArgument without a
// position when the regular expression does not compile ("error parsing regexp: missing closing ):
// `(a`").
Result<bool> MatchesEmpty(const Matcher& matcher);

}  // namespace varve::promql
