// TraceQL's tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "varve/status.h"

namespace varve::traceql {

enum class TokenKind : uint8_t {
  kEnd,
  kSymbol,     // of `text`: { } ( ) , | && || = != ...
  kWord,       // a keyword, an intrinsic: letters, digits, ':' (span:duration)
  kAttribute,  // .x span.x "quoted parts" decoded: `scope` and `text`
  kString,     // `text`, unescaped
  kInteger,
  kFloat,
  kDuration,  // ns in `integer`
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::string scope;  // of kAttribute: "", "span", "parent", "parent.span", ...
  int64_t integer = 0;
  double number = 0;
  size_t offset = 0;
};

// kInvalidArgument as Parse. The last token is kEnd.
Result<std::vector<Token>> Tokenize(std::string_view text);
// "parse error at line 1, col 5: <what>", for a byte of `text`.
Status ParseError(std::string_view text, size_t offset, std::string_view what);

}  // namespace varve::traceql
