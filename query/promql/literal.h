// Numbers, durations and strings between their text and their value, by Go's rules (which are
// Prometheus').
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "varve/status.h"

namespace varve::promql {

// Integers in base 10, 16 (0x) and 8 (leading 0), decimals with exponent, `_` between digits, Inf
// and NaN in any case. Error: kInvalidArgument without a position.
Result<double> ParseNumber(std::string_view text);
// "1h30m" in nanoseconds. Error: kInvalidArgument (no duration, or beyond 64 bits), without a
// position.
Result<int64_t> ParseDurationNs(std::string_view text);

// The shortest decimal form that reads back to the same value, without exponent; "+Inf", "-Inf",
// "NaN".
std::string FormatFloat(double value);
// As Go's %v prints it: the same, but below 1e-4 and from 1e6 on with an exponent, "1e+06".
std::string FormatFloatGo(double value);
// In double quotes; what cannot be printed is escaped.
std::string Quote(std::string_view text);
// In single quotes.
std::string QuoteRune(char32_t rune);
// The value of a string token. REQUIRES: quoted on both sides, with valid escapes (the lexer checks
// both).
std::string Unquote(std::string_view token);

// Decodes the code point at `text[at]` and sets its size in bytes. Bytes that are no UTF-8 yield
// kRuneError, size 1. REQUIRES: at < text.size().
inline constexpr char32_t kRuneError = 0xFFFD;
char32_t DecodeRune(std::string_view text, size_t at, size_t* size);
void AppendRune(char32_t rune, std::string* out);

// Whether a label name needs no quotes: [a-zA-Z_][a-zA-Z0-9_]*.
bool IsPlainLabelName(std::string_view name);
bool IsValidUtf8(std::string_view text);

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsAlpha(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool IsAlphaNumeric(char c) { return IsAlpha(c) || IsDigit(c); }
constexpr char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace varve::promql
