// Grammar: the recursive descent behind parser.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/promql/ast.h"
#include "query/promql/lexer.h"
#include "query/promql/token.h"
#include "varve/status.h"

namespace varve::promql {

// Builds the tree without looking at types. Every rule returns nullptr (or false) once an error was
// recorded; the first error of a text is the one that is reported.
//
// Unexpected tokens are reported with the words of Prometheus' generated parser, which depend on
// the innermost rule that has an `error` production: inside an aggregation that is the aggregation,
// however deep the token stands.
class Grammar {
 public:
  // `text` is borrowed. REQUIRES: text.size() <= kQueryBytesMax.
  explicit Grammar(std::string_view text);

  // start: expr EOF.
  Result<ExprPtr> ParseExpression();
  // start: vector_selector EOF.
  Result<std::unique_ptr<VectorSelector>> ParseSelectorOnly();

 private:
  struct Modifiers {
    ComparisonResult comparison = ComparisonResult::kFilter;
    VectorMatching matching;
  };
  class NestingScope;
  // What an unexpected token is reported with: "unexpected ... in <context>, expected <expected>".
  struct Expectation {
    std::string_view context;
    std::string_view expected;
  };

  static int Precedence(TokenType op);
  ExprPtr Expression(int precedence_min);
  ExprPtr UnaryExpression();
  ExprPtr PostfixExpression();
  ExprPtr PrimaryExpression();
  ExprPtr ParenExpression();
  ExprPtr Number();
  ExprPtr WordExpression();
  ExprPtr CallExpression(const Token& name);
  bool Arguments(std::vector<ExprPtr>* args);
  ExprPtr AggregationExpression(const Token& op);
  ExprPtr BuildAggregation(const Token& op, std::vector<ExprPtr> args, Grouping grouping,
                           std::vector<std::string> labels);
  bool BinaryModifiers(Modifiers* modifiers);
  bool FillModifiers(VectorMatching* matching);
  bool FillValue(std::optional<double>* value);
  bool GroupingLabels(std::vector<std::string>* labels);
  bool GroupingLabel(std::vector<std::string>* labels);

  std::unique_ptr<VectorSelector> Selector(const Token* name);
  bool Matchers(VectorSelector* selector);
  bool LabelMatcher(VectorSelector* selector);
  ExprPtr RangeOrSubquery(ExprPtr expr);
  ExprPtr BuildMatrix(ExprPtr expr, uint32_t bracket, DurationPtr range);
  ExprPtr FinishSubquery(ExprPtr expr, DurationPtr range);
  bool OffsetModifier(Expr* expr);
  bool EdgesModifier(Expr* expr);
  bool AtTime(Expr* expr);
  bool SetAt(Expr* expr, AtModifier at);
  // The value of the number or duration token, which is consumed.
  std::optional<double> NumberValue();

  // grammar_duration.cc
  DurationPtr PositiveDuration(const Expectation& where);
  DurationPtr OffsetDuration(const Expectation& where);
  DurationPtr Duration(int precedence_min, const Expectation& where);
  DurationPtr SignedDuration(const Expectation& where);
  DurationPtr PrimaryDuration(const Expectation& where);
  DurationPtr DurationLiteral();
  DurationPtr DurationCall(const Expectation& where);
  DurationPtr ParenDuration(const Expectation& where);
  DurationPtr WithSign(const Token& sign, DurationPtr operand);
  DurationPtr CombineDurations(const Token& op, DurationPtr lhs, DurationPtr rhs);
  // Refuses a literal that is no number of nanoseconds in 64 bits, at `offset`.
  DurationPtr InRange(DurationPtr literal, uint32_t offset);
  DurationPtr UnexpectedIn(const Expectation& where);
  DurationPtr FailDuration(uint32_t offset, std::string_view message);

  void Advance();
  bool Is(TokenType type) const { return token_.type == type; }
  bool Take(TokenType type);
  ExprPtr Unexpected(std::string_view context, std::string_view expected);
  ExprPtr Unexpected() { return Unexpected("", ""); }
  ExprPtr Fail(uint32_t offset, std::string_view message);
  void FailNesting();
  // Sets the position of a finished node and refuses it when it is too deep.
  ExprPtr Finish(ExprPtr expr, uint32_t begin);

  // A level of parentheses, signs or right-hand sides costs a handful of stack frames.
  static constexpr size_t kNestingMax = 500;
  static constexpr int kPrecedenceMin = 1;
  static constexpr int kPrecedencePow = 6;

  const std::string_view text_;
  Lexer lexer_;
  Token token_;            // the next one, not consumed
  uint32_t last_end_ = 0;  // end of the last consumed token
  size_t nesting_ = 0;
  size_t aggregations_open_ = 0;
  Status error_;
};

// One level of recursion.
class Grammar::NestingScope {
 public:
  explicit NestingScope(Grammar* grammar) : grammar_(grammar) { ++grammar_->nesting_; }
  ~NestingScope() { --grammar_->nesting_; }
  NestingScope(const NestingScope&) = delete;
  NestingScope& operator=(const NestingScope&) = delete;
  bool TooDeep() const { return grammar_->nesting_ > kNestingMax; }

 private:
  Grammar* grammar_;
};

}  // namespace varve::promql
