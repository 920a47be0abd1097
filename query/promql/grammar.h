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
  bool BinaryModifiers(uint32_t lhs_begin, Modifiers* modifiers);
  bool GroupingLabels(std::vector<std::string>* labels);
  bool GroupingLabel(std::vector<std::string>* labels);

  std::unique_ptr<VectorSelector> Selector(const Token* name);
  bool Matchers(VectorSelector* selector);
  bool LabelMatcher(VectorSelector* selector);
  ExprPtr RangeOrSubquery(ExprPtr expr);
  ExprPtr BuildMatrix(ExprPtr expr, uint32_t bracket, int64_t range_ns);
  ExprPtr FinishSubquery(ExprPtr expr, int64_t range_ns);
  bool BracketDuration(std::string_view context, std::string_view expected, int64_t* ns);
  bool OffsetModifier(Expr* expr);
  bool AtTime(Expr* expr);
  bool SetAt(Expr* expr, AtModifier at);
  // The value of the number or duration token, which is consumed.
  std::optional<double> NumberValue();

  void Advance();
  bool Is(TokenType type) const { return token_.type == type; }
  bool Take(TokenType type);
  ExprPtr Unexpected(std::string_view context, std::string_view expected);
  ExprPtr Unexpected() { return Unexpected("", ""); }
  ExprPtr Fail(uint32_t offset, std::string_view message);
  // Sets the position of a finished node and refuses it when it is too deep.
  ExprPtr Finish(ExprPtr expr, uint32_t begin);

  const std::string_view text_;
  Lexer lexer_;
  Token token_;            // the next one, not consumed
  uint32_t last_end_ = 0;  // end of the last consumed token
  size_t nesting_ = 0;
  size_t aggregations_open_ = 0;
  Status error_;
};

}  // namespace varve::promql
