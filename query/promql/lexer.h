// Lexer: PromQL text to tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "query/promql/token.h"

namespace varve::promql {

// The same characters are other tokens inside braces (no keywords) and brackets (durations), which
// is why the lexer keeps track of both.
class Lexer {
 public:
  // `text` is borrowed. REQUIRES: text.size() fits 32 bits.
  explicit Lexer(std::string_view text) : text_(text) {}

  // The next token; spaces and comments are skipped. After kEof or kError the same again. The text
  // of kError is borrowed from the lexer.
  Token Next();

 private:
  Token InStatement();
  Token InBraces();
  Token InDuration();
  Token Punctuation(char c);
  Token LexEnd();
  Token LexAssignOrEqual();
  Token LexBracketWord();
  Token LexColonBehindWord();
  Token LexParen(char c);
  Token LexBracket(char c);
  Token LexWord();
  Token LexNumberOrDuration();
  Token LexString();
  bool SkipEscape(char quote, std::string* error);
  bool ScanNumber();
  bool ScanDurationRest();
  bool SkipDigits(std::string_view digits);

  Token Emit(TokenType type);
  Token Fail(std::string message);
  // The code point at the read position as a message quotes it.
  std::string QuotedHere() const;
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool done() const { return at_ >= text_.size(); }
  bool PeekIsOneOf(std::string_view set) const {
    return !done() && set.find(text_[at_]) != std::string_view::npos;
  }
  bool Accept(std::string_view set) {
    if (!PeekIsOneOf(set)) return false;
    ++at_;
    return true;
  }
  void SkipSpaces();
  void SkipComment();

  const std::string_view text_;
  size_t at_ = 0;
  size_t begin_ = 0;  // of the token being read
  size_t paren_depth_ = 0;
  bool brace_open_ = false;
  bool bracket_open_ = false;
  bool duration_next_ = false;  // right after '[', before the first number
  bool colon_seen_ = false;     // inside the open bracket
  // A number was read inside any bracket so far. As in the reference, only then may a colon follow
  // a duration that begins with a word.
  bool duration_seen_ = false;
  bool ended_ = false;
  Token last_;  // repeated once ended_
  std::string error_;
};

}  // namespace varve::promql
