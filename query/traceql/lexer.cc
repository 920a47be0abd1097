#include "query/traceql/lexer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/status_macros.h"

namespace varve::traceql {
namespace {

constexpr std::string_view kSymbols[] = {
    // Longer ones first.
    "!>>", "!<<", "&>>", "&<<", "&&", "||", "!=", "=~", "!~", ">=", "<=", ">>",
    "<<",  "!>",  "!<",  "&>",  "&<", "&~", "{",  "}",  "(",  ")",  ",",  "|",
    "=",   ">",   "<",   "~",   "+",  "-",  "*",  "/",  "%",  "^",  "!",
};

constexpr std::string_view kScopes[] = {
    "parent.span.", "parent.resource.", "parent.", "span.",
    "resource.",    "event.",           "link.",   "instrumentation.",
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
// What may stand in an attribute's name without quotes.
bool IsNamePart(char c) {
  return !IsSpace(c) && std::string_view("{}()=~!<>&|^,\"`").find(c) == std::string_view::npos;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> Run() {
    std::vector<Token> tokens;
    while (true) {
      RETURN_IF_ERROR(SkipBlanks());
      Token token;
      token.offset = at_;
      if (at_ == text_.size()) {
        tokens.push_back(std::move(token));
        return tokens;
      }
      RETURN_IF_ERROR(Next(&token));
      tokens.push_back(std::move(token));
    }
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  Status Fail(std::string_view what) const { return ParseError(text_, at_, what); }

  Status SkipBlanks() {
    while (at_ < text_.size()) {
      if (IsSpace(Peek())) {
        ++at_;
      } else if (Peek() == '/' && Peek(1) == '/') {
        while (at_ < text_.size() && Peek() != '\n') ++at_;
      } else if (Peek() == '/' && Peek(1) == '*') {
        const size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return Fail("a comment without an end");
        at_ = end + 2;
      } else {
        break;
      }
    }
    return OkStatus();
  }

  Status Next(Token* token) {
    const char c = Peek();
    if (c == '"' || c == '`') return String(token);
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number(token);
    if (c == '.') {
      ++at_;
      return AttributeName(token);
    }
    if (IsLetter(c)) return Word(token);
    for (const std::string_view symbol : kSymbols) {
      if (!text_.substr(at_).starts_with(symbol)) continue;
      token->kind = TokenKind::kSymbol;
      token->text = symbol;
      at_ += symbol.size();
      return OkStatus();
    }
    return Fail("unexpected character");
  }

  Status Word(Token* token) {
    for (const std::string_view scope : kScopes) {
      if (!text_.substr(at_).starts_with(scope)) continue;
      at_ += scope.size();
      token->scope = scope.substr(0, scope.size() - 1);
      return AttributeName(token);
    }
    const size_t begin = at_;
    while (IsLetter(Peek()) || IsDigit(Peek())) ++at_;
    if (Peek() == ':' && IsLetter(Peek(1))) {
      ++at_;
      while (IsLetter(Peek()) || IsDigit(Peek())) ++at_;
    }
    token->kind = TokenKind::kWord;
    token->text = text_.substr(begin, at_ - begin);
    return OkStatus();
  }

  // Bare parts and quoted ones, one after the other: span.a."b c".d
  Status AttributeName(Token* token) {
    token->kind = TokenKind::kAttribute;
    const size_t begin = at_;
    while (at_ < text_.size()) {
      if (Peek() == '"') {
        Token part;
        RETURN_IF_ERROR(String(&part));
        token->text += part.text;
      } else if (IsNamePart(Peek())) {
        token->text += text_[at_++];
      } else {
        break;
      }
    }
    if (at_ == begin) return Fail("an attribute needs a name");
    return OkStatus();
  }

  Status String(Token* token) {
    const size_t begin = at_;
    const char quote = text_[at_++];
    token->kind = TokenKind::kString;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (quote == '"' && text_[at_] == '\\') {
        RETURN_IF_ERROR(Escape(&token->text));
      } else {
        token->text += text_[at_++];
      }
    }
    if (at_ == text_.size()) return ParseError(text_, begin, "a string without an end");
    ++at_;
    return OkStatus();
  }

  // Go's escapes, of which those that make code points write UTF-8.
  Status Escape(std::string* out) {
    ++at_;
    const char c = Peek();
    static constexpr std::pair<char, char> kSimple[] = {
        {'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'a', '\a'},  {'b', '\b'},
        {'f', '\f'}, {'v', '\v'}, {'"', '"'},  {'\\', '\\'}, {'\'', '\''},
    };
    for (const auto& [name, value] : kSimple) {
      if (c != name) continue;
      *out += value;
      ++at_;
      return OkStatus();
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) return Fail("unknown escape sequence");
    ++at_;
    uint32_t code = 0;
    const char* const begin = text_.data() + at_;
    const char* const end = begin + std::min(digits, text_.size() - at_);
    const auto [stop, error] = std::from_chars(begin, end, code, 16);
    if (error != std::errc() || stop != begin + digits || code > 0x10ffff) {
      return Fail("a malformed escape sequence");
    }
    at_ += digits;
    if (c == 'x') {
      *out += static_cast<char>(code);
    } else {
      AppendUtf8(code, out);
    }
    return OkStatus();
  }

  static void AppendUtf8(uint32_t code, std::string* out) {
    if (code < 0x80) {
      *out += static_cast<char>(code);
    } else if (code < 0x800) {
      *out += static_cast<char>(0xc0 | code >> 6);
      *out += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      *out += static_cast<char>(0xe0 | code >> 12);
      *out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
      *out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
      *out += static_cast<char>(0xf0 | code >> 18);
      *out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
      *out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
      *out += static_cast<char>(0x80 | (code & 0x3f));
    }
  }

  // 5, 0.5, 1e3, 100ms, 1h30m.
  Status Number(Token* token) {
    const size_t begin = at_;
    const auto digits = [&] {
      while (IsDigit(Peek())) ++at_;
    };
    digits();
    bool is_float = false;
    if (Peek() == '.') {
      is_float = true;
      ++at_;
      digits();
    }
    const bool has_exponent =
        (Peek() == 'e' || Peek() == 'E') &&
        (IsDigit(Peek(1)) || ((Peek(1) == '-' || Peek(1) == '+') && IsDigit(Peek(2))));
    if (has_exponent) {
      is_float = true;
      at_ += 2;
      digits();
    }
    if (IsLetter(Peek())) {
      at_ = begin;
      return Duration(token);
    }
    const std::string_view text = text_.substr(begin, at_ - begin);
    const char* const end = text.data() + text.size();
    if (is_float) {
      token->kind = TokenKind::kFloat;
      if (std::from_chars(text.data(), end, token->number).ec != std::errc()) {
        return ParseError(text_, begin, "a number out of range");
      }
      return OkStatus();
    }
    token->kind = TokenKind::kInteger;
    if (std::from_chars(text.data(), end, token->integer).ec != std::errc()) {
      return ParseError(text_, begin, "an integer out of range");
    }
    return OkStatus();
  }

  Status Duration(Token* token) {
    static constexpr std::pair<std::string_view, double> kUnits[] = {
        {"ns", 1},   {"us", 1e3},   {"\xc2\xb5s", 1e3}, {"ms", 1e6},        {"s", 1e9},
        {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9},     {"w", 7 * 86400e9}, {"y", 365 * 86400e9},
    };
    const size_t begin = at_;
    double total = 0;
    while (IsDigit(Peek()) || Peek() == '.') {
      double count = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(),
                                                count, std::chars_format::fixed);
      if (error != std::errc()) return Fail("a malformed number");
      at_ = static_cast<size_t>(end - text_.data());
      bool found = false;
      for (const auto& [name, ns] : kUnits) {
        if (!text_.substr(at_).starts_with(name)) continue;
        at_ += name.size();
        total += count * ns;
        found = true;
        break;
      }
      if (!found) return Fail("an unknown unit of a duration");
    }
    if (IsLetter(Peek())) return Fail("an unknown unit of a duration");
    constexpr double kMax = 9.2e18;
    if (total > kMax) return ParseError(text_, begin, "a duration out of range");
    token->kind = TokenKind::kDuration;
    token->integer = static_cast<int64_t>(std::llround(total));
    return OkStatus();
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Status ParseError(std::string_view text, size_t offset, std::string_view what) {
  size_t line = 1;
  size_t column = 1;
  for (const char c : text.substr(0, offset)) {
    ++column;
    if (c != '\n') continue;
    ++line;
    column = 1;
  }
  return InvalidArgumentError("parse error at line " + std::to_string(line) + ", col " +
                              std::to_string(column) + ": " + std::string(what));
}

Result<std::vector<Token>> Tokenize(std::string_view text) { return Lexer(text).Run(); }

}  // namespace varve::traceql
