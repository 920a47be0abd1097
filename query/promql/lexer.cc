#include "query/promql/lexer.h"

#include <utility>

#include "query/promql/literal.h"

namespace varve::promql {
namespace {

constexpr std::string_view kDigits = "0123456789";

constexpr bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Go's %#U: "U+0071 'q'".
std::string CodePoint(char32_t rune) {
  std::string hex;
  for (int shift = 20; shift >= 0; shift -= 4) {
    const uint32_t digit = (rune >> shift) & 0xF;
    if (hex.empty() && digit == 0 && shift >= 16) continue;
    hex += "0123456789ABCDEF"[digit];
  }
  return "U+" + hex + " " + QuoteRune(rune);
}

}  // namespace

Token Lexer::Next() {
  if (ended_) return last_;
  if (!duration_next_) {
    SkipSpaces();
    while (Peek() == '#' && !done()) {
      SkipComment();
      SkipSpaces();
    }
  } else {
    SkipSpaces();
  }
  begin_ = at_;
  Token token = brace_open_ ? InBraces() : duration_next_ ? InDuration() : InStatement();
  if (token.type == TokenType::kEof || token.type == TokenType::kError) {
    ended_ = true;
    last_ = token;
  }
  return token;
}

Token Lexer::InStatement() {
  if (done()) return LexEnd();
  const char c = Peek();
  if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return LexNumberOrDuration();
  if (IsAlpha(c) || c == ':') return bracket_open_ ? LexBracketWord() : LexWord();
  if (c == '"' || c == '\'' || c == '`') return LexString();
  return Punctuation(c);
}

Token Lexer::LexEnd() {
  if (paren_depth_ != 0) return Fail("unclosed left parenthesis");
  if (bracket_open_) return Fail("unclosed left bracket");
  return Emit(TokenType::kEof);
}

Token Lexer::Punctuation(char c) {
  const std::string here = QuotedHere();
  ++at_;
  switch (c) {
    case ',':
      return Emit(TokenType::kComma);
    case '*':
      return Emit(TokenType::kMul);
    case '/':
      return Emit(TokenType::kDiv);
    case '%':
      return Emit(TokenType::kMod);
    case '+':
      return Emit(TokenType::kAdd);
    case '-':
      return Emit(TokenType::kSub);
    case '^':
      return Emit(TokenType::kPow);
    case '@':
      return Emit(TokenType::kAt);
    case '<':
      if (Accept("/")) return Emit(TokenType::kTrimUpper);
      return Emit(Accept("=") ? TokenType::kLessOrEqual : TokenType::kLess);
    case '>':
      if (Accept("/")) return Emit(TokenType::kTrimLower);
      return Emit(Accept("=") ? TokenType::kGreaterOrEqual : TokenType::kGreater);
    case '=':
      return LexAssignOrEqual();
    case '!':
      if (Accept("=")) return Emit(TokenType::kNotEqual);
      return Fail("unexpected character after '!': " + QuotedHere());
    case '(':
    case ')':
      return LexParen(c);
    case '[':
    case ']':
      return LexBracket(c);
    case '{':
      brace_open_ = true;
      return Emit(TokenType::kLeftBrace);
    default:
      return Fail("unexpected character: " + here);
  }
}

Token Lexer::LexAssignOrEqual() {
  if (Accept("=")) return Emit(TokenType::kEqual);
  if (Peek() == '~') return Fail("unexpected character after '=': '~'");
  return Emit(TokenType::kAssign);
}

Token Lexer::LexParen(char c) {
  if (c == '(') {
    ++paren_depth_;
    return Emit(TokenType::kLeftParen);
  }
  if (paren_depth_ == 0) {
    begin_ = at_;  // the reference reports the position behind it
    return Fail("unexpected right parenthesis ')'");
  }
  --paren_depth_;
  return Emit(TokenType::kRightParen);
}

Token Lexer::LexBracket(char c) {
  if (c == '[') {
    if (bracket_open_) return Fail("unexpected left bracket '['");
    bracket_open_ = true;
    duration_next_ = true;
    colon_seen_ = false;
    return Emit(TokenType::kLeftBracket);
  }
  if (!bracket_open_) return Fail("unexpected right bracket ']'");
  bracket_open_ = false;
  return Emit(TokenType::kRightBracket);
}

// A colon, or a word of a duration expression, behind the first number inside brackets.
Token Lexer::LexBracketWord() {
  if (Accept(":")) {
    if (colon_seen_) return Fail("unexpected colon ':'");
    colon_seen_ = true;
    return Emit(TokenType::kColon);
  }
  const std::string here = QuotedHere();
  while (IsAlpha(Peek())) ++at_;
  const TokenType word = KeywordType(text_.substr(begin_, at_ - begin_));
  if (IsDurationWord(word)) return Emit(word);
  return Fail("unexpected character: " + here + ", expected ':'");
}

Token Lexer::LexWord() {
  bool has_colon = false;
  while (IsAlphaNumeric(Peek()) || Peek() == ':') {
    has_colon |= Peek() == ':';
    ++at_;
  }
  if (has_colon) return Emit(TokenType::kMetricIdentifier);
  const TokenType type = KeywordType(text_.substr(begin_, at_ - begin_));
  if (IsFill(type)) {
    size_t next = at_;
    while (next < text_.size() && IsSpace(text_[next])) ++next;
    if (next == text_.size() || text_[next] != '(') return Emit(TokenType::kIdentifier);
  }
  return Emit(type);
}

Token Lexer::InBraces() {
  if (done()) return Fail("unexpected end of input inside braces");
  const char c = Peek();
  if (IsAlpha(c)) {
    while (IsAlphaNumeric(Peek())) ++at_;
    return Emit(TokenType::kIdentifier);
  }
  if (c == '"' || c == '\'' || c == '`') return LexString();
  const std::string here = QuotedHere();
  ++at_;
  switch (c) {
    case ',':
      return Emit(TokenType::kComma);
    case '=':
      return Emit(Accept("~") ? TokenType::kRegexMatch : TokenType::kAssign);
    case '!':
      if (Accept("~")) return Emit(TokenType::kRegexNotMatch);
      if (Accept("=")) return Emit(TokenType::kNotEqual);
      return Fail("unexpected character after '!' inside braces: " + QuotedHere());
    case '{':
      return Fail("unexpected left brace '{'");
    case '}':
      brace_open_ = false;
      return Emit(TokenType::kRightBrace);
    default:
      return Fail("unexpected character inside braces: " + here);
  }
}

// Behind '[', up to the first number.
Token Lexer::InDuration() {
  if (done()) return Fail("unexpected end of input in duration expression");
  const char c = Peek();
  if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) {
    duration_next_ = false;
    duration_seen_ = true;
    return LexNumberOrDuration();
  }
  if (c == ':') return LexColonBehindWord();
  const std::string here = QuotedHere();
  if (IsAlpha(c)) {
    while (IsAlpha(Peek())) ++at_;
    const TokenType word = KeywordType(text_.substr(begin_, at_ - begin_));
    if (IsDurationWord(word)) return Emit(word);
  } else if (std::string_view("()+-*/%^,]").find(c) != std::string_view::npos) {
    if (c == ']') duration_next_ = false;
    return Punctuation(c);
  }
  return Fail("unexpected character in duration expression: " + here);
}

Token Lexer::LexColonBehindWord() {
  if (!duration_seen_) return Fail("unexpected colon before duration in duration expression");
  if (colon_seen_) return Fail("unexpected repeated colon in duration expression");
  ++at_;
  colon_seen_ = true;
  return Emit(TokenType::kColon);
}

Token Lexer::LexNumberOrDuration() {
  if (ScanNumber()) return Emit(TokenType::kNumber);
  if (ScanDurationRest()) return Emit(TokenType::kDuration);
  return Fail("bad number or duration syntax: " + Quote(text_.substr(begin_, at_ - begin_)));
}

bool Lexer::SkipDigits(std::string_view digits) {
  const size_t before = at_;
  while (PeekIsOneOf(digits)) ++at_;
  return at_ != before;
}

// Consumes a number whose digits, dots, exponent and underscores stand where they may; whether it
// has a value is for ParseNumber. False leaves the read position where the number stopped making
// sense, which is where a duration's unit would stand.
bool Lexer::ScanNumber() {
  constexpr std::string_view kAfterUnderscoreOrExponent = "._eE";
  bool hexadecimal = false;
  std::string_view digits = kDigits;
  if (Accept("0") && Accept("xX")) {
    Accept("_");
    hexadecimal = true;
    digits = "0123456789abcdefABCDEF";
  }
  bool dot_seen = false;
  Accept(".");
  bool exponent_seen = false;
  Accept(digits);
  while (PeekIsOneOf(digits) || PeekIsOneOf("._eE")) {
    if (Accept(".")) {
      if (dot_seen || hexadecimal || Accept("_.")) return false;
      dot_seen = true;
    } else if (Accept("eE")) {
      if (exponent_seen) return false;
      exponent_seen = true;
      Accept("+-");
      if (Accept(kAfterUnderscoreOrExponent) || done()) return false;
    } else if (Accept("_")) {
      if (Accept(kAfterUnderscoreOrExponent) || done()) return false;
    } else {
      SkipDigits(digits);
    }
  }
  return at_ != begin_ && !IsAlphaNumeric(Peek());
}

// Consumes the rest of a duration, whose first digits ScanNumber has consumed. Units in a wrong
// order are for ParseDurationNs.
bool Lexer::ScanDurationRest() {
  if (!Accept("smhdwy")) return false;
  Accept("s");
  while (SkipDigits(kDigits)) {
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  if (!IsAlphaNumeric(Peek())) return true;
  ++at_;  // the message shows the character that spoiled it, as in the reference
  return false;
}

Token Lexer::LexString() {
  const char quote = Peek();
  ++at_;
  while (true) {
    if (done() || (quote != '`' && Peek() == '\n')) {
      return Fail(quote == '`' ? "unterminated raw string" : "unterminated quoted string");
    }
    const char c = Peek();
    if (c == quote) {
      ++at_;
      return Emit(TokenType::kString);
    }
    if (c == '\\' && quote != '`') {
      ++at_;
      std::string error;
      if (!SkipEscape(quote, &error)) return Fail(std::move(error));
      continue;
    }
    size_t size = 0;
    if (DecodeRune(text_, at_, &size) == kRuneError) return Fail("invalid UTF-8 rune");
    at_ += size;
  }
}

// Consumes an escape sequence behind its backslash; false with what is wrong with it.
bool Lexer::SkipEscape(char quote, std::string* error) {
  if (done()) return *error = "escape sequence not terminated", false;
  size_t size = 0;
  const char c = Peek();
  if (c == quote || std::string_view("abfnrtv\\").find(c) != std::string_view::npos)
    return ++at_, true;
  size_t count = 3;
  uint32_t base = 8;
  uint32_t limit = 0xFF;
  if (c == 'x' || c == 'u' || c == 'U') {
    ++at_;
    base = 16;
    count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
    if (c != 'x') limit = 0x10FFFF;
  } else if (c < '0' || c > '7') {
    *error = "unknown escape sequence " + CodePoint(DecodeRune(text_, at_, &size));
    return false;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i, ++at_) {
    if (done()) return *error = "escape sequence not terminated", false;
    const char digit = ToLower(Peek());
    const uint32_t d = IsDigit(digit)                 ? static_cast<uint32_t>(digit - '0')
                       : digit >= 'a' && digit <= 'f' ? static_cast<uint32_t>(digit - 'a' + 10)
                                                      : 16;
    if (d >= base) {
      *error =
          "illegal character " + CodePoint(DecodeRune(text_, at_, &size)) + " in escape sequence";
      return false;
    }
    value = value * base + d;
  }
  if (value > limit || (value >= 0xD800 && value < 0xE000)) {
    *error = "escape sequence is an invalid Unicode code point";
    return false;
  }
  return true;
}

Token Lexer::Emit(TokenType type) {
  return {type, static_cast<uint32_t>(begin_), static_cast<uint32_t>(at_),
          text_.substr(begin_, at_ - begin_)};
}

Token Lexer::Fail(std::string message) {
  error_ = std::move(message);
  return {TokenType::kError, static_cast<uint32_t>(begin_), static_cast<uint32_t>(text_.size()),
          error_};
}

std::string Lexer::QuotedHere() const {
  if (done()) return QuoteRune(kRuneError);
  size_t size = 0;
  return QuoteRune(DecodeRune(text_, at_, &size));
}

void Lexer::SkipSpaces() {
  while (!done() && IsSpace(Peek())) ++at_;
}

void Lexer::SkipComment() {
  while (!done() && Peek() != '\n' && Peek() != '\r') ++at_;
}

}  // namespace varve::promql
