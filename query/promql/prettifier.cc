// Prettify: Prometheus' layout (promql/parser/prettier.go describes it). A node that fits the line
// is printed on it; one that does not puts its parts on lines of their own, one level deeper.
#include <algorithm>
#include <string>

#include "query/promql/function_table.h"
#include "query/promql/printer.h"

namespace varve::promql {
namespace {

constexpr size_t kLineBytesMax = 100;
constexpr size_t kLayoutBytesMax = size_t{16} << 20;

std::string Indent(size_t level) { return std::string(2 * level, ' '); }

class Layouter {
 public:
  explicit Layouter(std::string* out) : out_(out) {}

  // Stops soon after kLayoutBytesMax.
  void Append(const Expr& expr, size_t level) {
    if (out_->size() > kLayoutBytesMax) return;
    if (const auto* unary = expr.TryAs<Unary>()) return AppendUnary(*unary, level);
    if (!PrintsWithin(expr, kLineBytesMax)) return AppendSplit(expr, level);
    // The reference gives a subquery that fits its line no indent.
    if (expr.kind() != ExprKind::kSubquery) *out_ += Indent(level);
    *out_ += Print(expr);
  }

 private:
  // A node that does not fit, split where its kind can be.
  void AppendSplit(const Expr& expr, size_t level) {
    switch (expr.kind()) {
      case ExprKind::kAggregation:
        return AppendAggregation(expr.As<Aggregation>(), level);
      case ExprKind::kBinary:
        return AppendBinary(expr.As<Binary>(), level);
      case ExprKind::kCall:
        return AppendCall(expr.As<Call>(), level);
      case ExprKind::kParen:
        *out_ += Indent(level) + "(\n";
        Append(*expr.As<Paren>().expr, level + 1);
        *out_ += "\n" + Indent(level) + ")";
        return;
      case ExprKind::kSubquery:
        Append(*expr.As<Subquery>().expr, level);
        *out_ += PrintSubqueryTail(expr.As<Subquery>());
        return;
      default:
        *out_ += Indent(level) + Print(expr);
    }
  }

  // The operand's indent moves in front of the sign.
  void AppendUnary(const Unary& unary, size_t level) {
    const size_t begin = out_->size();
    Append(*unary.expr, level);
    const size_t operand = std::min(out_->find_first_not_of(' ', begin), out_->size());
    out_->replace(begin, operand - begin,
                  Indent(level) + (unary.op == UnaryOp::kMinus ? "-" : "+"));
  }

  void AppendAggregation(const Aggregation& aggregation, size_t level) {
    *out_ += Indent(level) + PrintAggregationHead(aggregation) + "(\n";
    if (aggregation.param != nullptr) {
      Append(*aggregation.param, level + 1);
      *out_ += ",\n";
    }
    Append(*aggregation.expr, level + 1);
    *out_ += "\n" + Indent(level) + ")";
  }

  void AppendCall(const Call& call, size_t level) {
    *out_ += Indent(level) + std::string(call.function->name) + "(\n";
    for (size_t i = 0; i < call.args.size(); ++i) {
      if (i > 0) *out_ += ",\n";
      Append(*call.args[i], level + 1);
    }
    *out_ += "\n" + Indent(level) + ")";
  }

  void AppendBinary(const Binary& binary, size_t level) {
    if (HasInfiniteBase(binary)) {
      *out_ += Indent(level + 1) + "Inf";
    } else {
      Append(*binary.lhs, level + 1);
    }
    *out_ += "\n" + Indent(level) + PrintBinaryHead(binary) + "\n";
    Append(*binary.rhs, level + 1);
  }

  std::string* const out_;
};

}  // namespace

std::string Prettify(const Expr& expr) {
  std::string out;
  Layouter(&out).Append(expr, 0);
  return out.size() <= kLayoutBytesMax ? out : Print(expr);
}

}  // namespace varve::promql
