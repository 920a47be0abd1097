#include "query/traceql/parser.h"

#include <re2/re2.h>

#include <limits>
#include <utility>

#include "base/status_macros.h"
#include "query/traceql/lexer.h"

namespace varve::traceql {
namespace {

// Of calls, of which a pair of parentheses takes up to eight; and of tokens, for operators make
// trees as deep as they are many.
constexpr int kDepthMax = 1500;
constexpr size_t kTokensMax = 10'000;

struct IntrinsicName {
  std::string_view name;
  Intrinsic intrinsic;
};

constexpr IntrinsicName kIntrinsics[] = {
    {"duration", Intrinsic::kDuration},
    {"name", Intrinsic::kName},
    {"kind", Intrinsic::kKind},
    {"status", Intrinsic::kStatus},
    {"statusMessage", Intrinsic::kStatusMessage},
    {"childCount", Intrinsic::kChildCount},
    {"parent", Intrinsic::kParent},
    {"rootName", Intrinsic::kTraceRootName},
    {"rootServiceName", Intrinsic::kTraceRootService},
    {"traceDuration", Intrinsic::kTraceDuration},
    {"nestedSetLeft", Intrinsic::kNestedSetLeft},
    {"nestedSetRight", Intrinsic::kNestedSetRight},
    {"nestedSetParent", Intrinsic::kNestedSetParent},
    {"span:duration", Intrinsic::kDuration},
    {"span:name", Intrinsic::kName},
    {"span:kind", Intrinsic::kKind},
    {"span:status", Intrinsic::kStatus},
    {"span:statusMessage", Intrinsic::kStatusMessage},
    {"span:id", Intrinsic::kSpanId},
    {"span:parentID", Intrinsic::kParentId},
    {"span:childCount", Intrinsic::kChildCount},
    {"span:startTime", Intrinsic::kStartTime},
    {"trace:duration", Intrinsic::kTraceDuration},
    {"trace:rootName", Intrinsic::kTraceRootName},
    {"trace:rootService", Intrinsic::kTraceRootService},
    {"trace:id", Intrinsic::kTraceId},
    {"event:name", Intrinsic::kEventName},
    {"event:timeSinceStart", Intrinsic::kEventTimeSinceStart},
    {"link:traceID", Intrinsic::kLinkTraceId},
    {"link:spanID", Intrinsic::kLinkSpanId},
    {"instrumentation:name", Intrinsic::kInstrumentationName},
    {"instrumentation:version", Intrinsic::kInstrumentationVersion},
};

struct StaticName {
  std::string_view name;
  ValueType type;
  int64_t value;
};

constexpr StaticName kStatics[] = {
    {"nil", ValueType::kNil, 1},
    {"true", ValueType::kBool, 1},
    {"false", ValueType::kBool, 0},
    {"unset", ValueType::kStatus, 0},
    {"ok", ValueType::kStatus, 1},
    {"error", ValueType::kStatus, 2},
    {"unspecified", ValueType::kKind, 0},
    {"internal", ValueType::kKind, 1},
    {"server", ValueType::kKind, 2},
    {"client", ValueType::kKind, 3},
    {"producer", ValueType::kKind, 4},
    {"consumer", ValueType::kKind, 5},
    {"minInt", ValueType::kInt, std::numeric_limits<int64_t>::min()},
    {"maxInt", ValueType::kInt, std::numeric_limits<int64_t>::max()},
};

struct AggregateName {
  std::string_view name;
  AggregateKind kind;
};
constexpr AggregateName kAggregates[] = {
    {"count", AggregateKind::kCount}, {"min", AggregateKind::kMin}, {"max", AggregateKind::kMax},
    {"sum", AggregateKind::kSum},     {"avg", AggregateKind::kAvg},
};

struct MetricName {
  std::string_view name;
  MetricKind kind;
};
constexpr MetricName kMetrics[] = {
    {"rate", MetricKind::kRate},
    {"count_over_time", MetricKind::kCountOverTime},
    {"min_over_time", MetricKind::kMinOverTime},
    {"max_over_time", MetricKind::kMaxOverTime},
    {"sum_over_time", MetricKind::kSumOverTime},
    {"avg_over_time", MetricKind::kAvgOverTime},
    {"quantile_over_time", MetricKind::kQuantileOverTime},
    {"histogram_over_time", MetricKind::kHistogramOverTime},
    {"compare", MetricKind::kCompare},
};

constexpr std::pair<std::string_view, Operator> kComparisons[] = {
    {"=", Operator::kEqual},         {"!=", Operator::kNotEqual}, {"=~", Operator::kRegex},
    {"!~", Operator::kNotRegex},     {">", Operator::kGreater},   {"<", Operator::kLess},
    {">=", Operator::kGreaterEqual}, {"<=", Operator::kLessEqual}};

struct Structural {
  std::string_view symbol;
  Operator op;
  SpansetExpression::Form form;
};
constexpr auto kPlain = SpansetExpression::Form::kPlain;
constexpr auto kNegated = SpansetExpression::Form::kNegated;
constexpr auto kUnion = SpansetExpression::Form::kUnion;
constexpr Structural kStructurals[] = {
    {">", Operator::kChild, kPlain},          {">>", Operator::kDescendant, kPlain},
    {"<", Operator::kParent, kPlain},         {"<<", Operator::kAncestor, kPlain},
    {"~", Operator::kSibling, kPlain},        {"!>", Operator::kChild, kNegated},
    {"!>>", Operator::kDescendant, kNegated}, {"!<", Operator::kParent, kNegated},
    {"!<<", Operator::kAncestor, kNegated},   {"!~", Operator::kSibling, kNegated},
    {"&>", Operator::kChild, kUnion},         {"&>>", Operator::kDescendant, kUnion},
    {"&<", Operator::kParent, kUnion},        {"&<<", Operator::kAncestor, kUnion},
    {"&~", Operator::kSibling, kUnion},
};

template <typename Table>
auto FindNamed(const Table& table, std::string_view name) {
  for (const auto& entry : table) {
    if (entry.name == name) return &entry;
  }
  return static_cast<decltype(&table[0])>(nullptr);
}

FieldPtr Leaf(FieldExpression::Kind kind) {
  auto leaf = std::make_unique<FieldExpression>();
  leaf->kind = kind;
  return leaf;
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens)
      : text_(text), tokens_(std::move(tokens)) {}

  Result<Query> Run() {
    ASSIGN_OR_RETURN(Query query, ParseQuery());
    RETURN_IF_ERROR(ParseHints(&query));
    if (Peek().kind != TokenKind::kEnd) return Unexpected();
    SetFilterCount(&query);
    return query;
  }
  Result<Attribute> RunAttribute() {
    ASSIGN_OR_RETURN(Attribute attribute, ParseAttributeName());
    if (Peek().kind != TokenKind::kEnd) return Unexpected();
    return attribute;
  }

 private:
  // Counts nested calls, so that no query overflows the stack.
  class Depth {
   public:
    explicit Depth(int* depth) : depth_(depth) { ++*depth_; }
    ~Depth() { --*depth_; }
    bool is_too_deep() const { return *depth_ > kDepthMax; }

   private:
    int* const depth_;
  };

  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool IsSymbol(std::string_view symbol, size_t ahead = 0) const {
    return Peek(ahead).kind == TokenKind::kSymbol && Peek(ahead).text == symbol;
  }
  bool IsWord(std::string_view word) const {
    return Peek().kind == TokenKind::kWord && Peek().text == word;
  }
  bool Take(std::string_view symbol) {
    if (!IsSymbol(symbol)) return false;
    ++at_;
    return true;
  }
  Status Expect(std::string_view symbol) {
    return Take(symbol) ? OkStatus() : Unexpected("expected " + std::string(symbol));
  }
  Status Unexpected(const std::string& expected = {}) const {
    const Token& token = Peek();
    std::string what = "syntax error: unexpected ";
    what += token.kind == TokenKind::kEnd ? "end of the query" : '"' + TokenText(token) + '"';
    if (!expected.empty()) what += ", " + expected;
    return ParseError(text_, token.offset, what);
  }
  std::string TokenText(const Token& token) const {
    const size_t end = at_ + 1 < tokens_.size() ? tokens_[at_ + 1].offset : text_.size();
    std::string_view text = text_.substr(token.offset, end - token.offset);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.remove_suffix(1);
    return std::string(text.substr(0, 60));
  }
  Status TooDeep() const { return ParseError(text_, Peek().offset, "the query nests too deeply"); }

  void SetFilterCount(Query* query) const {
    query->filter_count = filter_count_;
    if (query->left) SetFilterCount(query->left.get());
    if (query->right) SetFilterCount(query->right.get());
  }

  // A number, or a query with a metrics stage, in parentheses; nothing where it is neither.
  Result<std::optional<Query>> TryMathOperand() {
    const size_t begin = at_;
    const size_t filters = filter_count_;
    if (Peek().kind == TokenKind::kInteger || Peek().kind == TokenKind::kFloat) {
      Query number;
      number.number =
          Peek().kind == TokenKind::kInteger ? static_cast<double>(Peek().integer) : Peek().number;
      ++at_;
      return std::optional<Query>(std::move(number));
    }
    const Depth depth(&depth_);
    if (depth.is_too_deep()) return TooDeep();
    if (Take("(")) {
      Result<Query> inner = ParseQuery();
      const bool is_metric = inner.ok() && (inner->metric || inner->is_math || inner->number);
      if (is_metric && Take(")")) return std::optional<Query>(*std::move(inner));
    }
    at_ = begin;
    filter_count_ = filters;
    return std::optional<Query>();
  }

  Result<Query> ParseQuery() {
    const size_t begin = at_;
    ASSIGN_OR_RETURN(std::optional<Query> operand, TryMathOperand());
    if (operand && operand->number && !IsMathSymbol()) {
      at_ = begin;  // a scalar filter may begin with a number, too
      operand.reset();
    }
    if (!operand) return ParsePlainQuery();
    ASSIGN_OR_RETURN(Query query, ParseMath(*std::move(operand), 0));
    RETURN_IF_ERROR(ParseSecondStages(&query));
    return query;
  }

  bool IsMathSymbol() const {
    return IsSymbol("+") || IsSymbol("-") || IsSymbol("*") || IsSymbol("/");
  }

  static int MathPrecedence(std::string_view symbol) {
    return symbol == "*" || symbol == "/" ? 2 : 1;
  }

  // Precedence climbing over + - * /.
  Result<Query> ParseMath(Query left, int precedence_min) {
    while (IsMathSymbol() && MathPrecedence(Peek().text) >= precedence_min) {
      const std::string symbol = Peek().text;
      ++at_;
      ASSIGN_OR_RETURN(std::optional<Query> operand, TryMathOperand());
      if (!operand) return Unexpected("expected a number or a metrics query in parentheses");
      ASSIGN_OR_RETURN(Query right, ParseMath(*std::move(operand), MathPrecedence(symbol) + 1));
      Query both;
      both.is_math = true;
      both.op = symbol == "+"   ? Operator::kAdd
                : symbol == "-" ? Operator::kSubtract
                : symbol == "*" ? Operator::kMultiply
                                : Operator::kDivide;
      both.left = std::make_unique<Query>(std::move(left));
      both.right = std::make_unique<Query>(std::move(right));
      left = std::move(both);
    }
    return left;
  }

  Result<Query> ParsePlainQuery() {
    Query query;
    ASSIGN_OR_RETURN(query.pipeline, ParsePipeline());
    if (IsSymbol("|")) {
      ++at_;
      ASSIGN_OR_RETURN(query.metric, ParseMetric());
      RETURN_IF_ERROR(ParseSecondStages(&query));
    }
    return query;
  }

  bool IsMetricNext() const {
    return Peek(1).kind == TokenKind::kWord && FindNamed(kMetrics, Peek(1).text) != nullptr;
  }

  // Stops before "| rate()" and its like.
  Result<Pipeline> ParsePipeline() {
    const Depth depth(&depth_);
    if (depth.is_too_deep()) return TooDeep();
    Pipeline pipeline;
    do {
      ASSIGN_OR_RETURN(Stage stage, ParseStage());
      pipeline.stages.push_back(std::move(stage));
      if (IsSymbol("|") && IsMetricNext()) break;
    } while (Take("|"));
    return pipeline;
  }

  Result<Stage> ParseStage() {
    Stage stage;
    if (IsWord("by") && IsSymbol("(", 1)) {
      at_ += 2;
      stage.kind = Stage::Kind::kGroupBy;
      ASSIGN_OR_RETURN(stage.group, ParseField(0));
      RETURN_IF_ERROR(Expect(")"));
      return stage;
    }
    if (IsWord("coalesce")) {
      ++at_;
      stage.kind = Stage::Kind::kCoalesce;
      RETURN_IF_ERROR(Expect("("));
      RETURN_IF_ERROR(Expect(")"));
      return stage;
    }
    if (IsWord("select")) {
      ++at_;
      stage.kind = Stage::Kind::kSelect;
      ASSIGN_OR_RETURN(stage.select, ParseAttributeList());
      return stage;
    }
    if (BeginsScalar(at_)) {
      stage.kind = Stage::Kind::kScalarFilter;
      ASSIGN_OR_RETURN(stage.left, ParseScalar(0));
      for (const auto& [symbol, op] : kComparisons) {
        if (op == Operator::kRegex || op == Operator::kNotRegex || !IsSymbol(symbol)) continue;
        ++at_;
        stage.op = op;
        ASSIGN_OR_RETURN(stage.right, ParseScalar(0));
        break;
      }
      return stage;
    }
    ASSIGN_OR_RETURN(stage.spanset, ParseSpanset(0));
    return stage;
  }

  // An aggregate or a number, perhaps behind parentheses and signs.
  bool BeginsScalar(size_t at) const {
    while (tokens_[at].kind == TokenKind::kSymbol &&
           (tokens_[at].text == "(" || tokens_[at].text == "-")) {
      ++at;
    }
    const Token& token = tokens_[at];
    if (token.kind == TokenKind::kWord) return FindNamed(kAggregates, token.text) != nullptr;
    return token.kind == TokenKind::kInteger || token.kind == TokenKind::kFloat ||
           token.kind == TokenKind::kDuration;
  }

  // ( .a, span.b, name )
  Result<std::vector<Attribute>> ParseAttributeList() {
    RETURN_IF_ERROR(Expect("("));
    std::vector<Attribute> attributes;
    do {
      ASSIGN_OR_RETURN(Attribute attribute, ParseAttributeName());
      attributes.push_back(std::move(attribute));
    } while (Take(","));
    RETURN_IF_ERROR(Expect(")"));
    return attributes;
  }

  Result<Attribute> ParseAttributeName() {
    const Token& token = Peek();
    Attribute attribute;
    attribute.name = token.text;
    if (token.kind == TokenKind::kWord) {
      const IntrinsicName* intrinsic = FindNamed(kIntrinsics, token.text);
      if (intrinsic == nullptr) return Unexpected("expected an attribute or intrinsic");
      attribute.intrinsic = intrinsic->intrinsic;
      ++at_;
      return attribute;
    }
    if (token.kind != TokenKind::kAttribute) {
      return Unexpected("expected an attribute or intrinsic");
    }
    std::string_view scope = token.scope;
    if (scope.starts_with("parent")) {
      attribute.of_parent = true;
      scope.remove_prefix(std::string_view("parent").size());
      if (!scope.empty()) scope.remove_prefix(1);
    }
    attribute.scope = scope == "span"              ? Scope::kSpan
                      : scope == "resource"        ? Scope::kResource
                      : scope == "event"           ? Scope::kEvent
                      : scope == "link"            ? Scope::kLink
                      : scope == "instrumentation" ? Scope::kInstrumentation
                                                   : Scope::kNone;
    ++at_;
    return attribute;
  }

  // Levels: 0 && and ||, 1 structural.
  Result<SpansetPtr> ParseSpanset(int level) {
    if (level == 2) return ParseSpansetOperand();
    ASSIGN_OR_RETURN(SpansetPtr left, ParseSpanset(level + 1));
    while (true) {
      auto both = std::make_unique<SpansetExpression>();
      both->kind = SpansetExpression::Kind::kOperation;
      bool found = false;
      if (level == 0 && (IsSymbol("&&") || IsSymbol("||"))) {
        both->op = IsSymbol("&&") ? Operator::kAnd : Operator::kOr;
        found = true;
      } else if (level == 1) {
        for (const Structural& structural : kStructurals) {
          if (!IsSymbol(structural.symbol)) continue;
          both->op = structural.op;
          both->form = structural.form;
          found = true;
        }
      }
      if (!found) return left;
      ++at_;
      both->left = std::move(left);
      ASSIGN_OR_RETURN(both->right, ParseSpanset(level + 1));
      left = std::move(both);
    }
  }

  Result<SpansetPtr> ParseSpansetOperand() {
    auto spanset = std::make_unique<SpansetExpression>();
    if (Take("{")) {
      spanset->filter_index = filter_count_++;
      if (Take("}")) return spanset;
      ASSIGN_OR_RETURN(spanset->filter, ParseField(0));
      RETURN_IF_ERROR(Expect("}"));
      return spanset;
    }
    if (!Take("(")) return Unexpected("expected { or (");
    ASSIGN_OR_RETURN(Pipeline pipeline, ParsePipeline());
    RETURN_IF_ERROR(Expect(")"));
    if (pipeline.stages.size() == 1 && pipeline.stages[0].kind == Stage::Kind::kSpanset) {
      return std::move(pipeline.stages[0].spanset);
    }
    spanset->kind = SpansetExpression::Kind::kPipeline;
    spanset->pipeline = std::make_unique<Pipeline>(std::move(pipeline));
    return spanset;
  }

  // Levels of field expressions: 0 && ||, 1 comparisons, 2 + -, 3 !, 4 * / %, 5 ^, 6 operands.
  static constexpr int kOperandLevel = 6;

  bool FindFieldOperator(int level, Operator* op) const {
    static constexpr std::pair<std::string_view, Operator> kLevels[][3] = {
        {{"&&", Operator::kAnd}, {"||", Operator::kOr}, {"", Operator::kOr}},
        {},
        {{"+", Operator::kAdd}, {"-", Operator::kSubtract}, {"", Operator::kAdd}},
        {},
        {{"*", Operator::kMultiply}, {"/", Operator::kDivide}, {"%", Operator::kModulo}},
        {{"^", Operator::kPower}, {"", Operator::kPower}, {"", Operator::kPower}},
    };
    if (Peek().kind != TokenKind::kSymbol) return false;
    if (level == 1) {
      for (const auto& [symbol, comparison] : kComparisons) {
        if (Peek().text != symbol) continue;
        *op = comparison;
        return true;
      }
      return false;
    }
    for (const auto& [symbol, candidate] : kLevels[level]) {
      if (symbol.empty() || Peek().text != symbol) continue;
      *op = candidate;
      return true;
    }
    return false;
  }

  Result<FieldPtr> ParseField(int level) {
    const Depth depth(&depth_);
    if (depth.is_too_deep()) return TooDeep();
    if (level == kOperandLevel) return ParseFieldOperand();
    if (level == 3 && Take("!")) {
      FieldPtr negated = Leaf(FieldExpression::Kind::kNot);
      ASSIGN_OR_RETURN(negated->left, ParseField(3));
      return negated;
    }
    if (level == 2 && Take("-")) {
      FieldPtr negated = Leaf(FieldExpression::Kind::kNegate);
      ASSIGN_OR_RETURN(negated->left, ParseField(3));
      ASSIGN_OR_RETURN(FieldPtr folded, Folded(std::move(negated)));
      return ParseFieldRest(std::move(folded), level);
    }
    ASSIGN_OR_RETURN(FieldPtr left, ParseField(level + 1));
    return ParseFieldRest(std::move(left), level);
  }

  // A negated number is a number.
  static Result<FieldPtr> Folded(FieldPtr negated) {
    if (negated->left->kind != FieldExpression::Kind::kLiteral ||
        !negated->left->literal.is_numeric()) {
      return negated;
    }
    FieldPtr literal = std::move(negated->left);
    literal->literal.integer =
        static_cast<int64_t>(0 - static_cast<uint64_t>(literal->literal.integer));
    literal->literal.number = -literal->literal.number;
    return literal;
  }

  Result<FieldPtr> ParseFieldRest(FieldPtr left, int level) {
    Operator op = Operator::kAnd;
    while (FindFieldOperator(level, &op)) {
      const size_t offset = Peek().offset;
      ++at_;
      FieldPtr both = Leaf(FieldExpression::Kind::kBinary);
      both->op = op;
      both->left = std::move(left);
      // ^ groups to the right.
      ASSIGN_OR_RETURN(both->right, ParseField(op == Operator::kPower ? level : level + 1));
      RETURN_IF_ERROR(CompileRegex(both.get(), offset));
      // nil = .a asks the same as .a = nil.
      const bool is_about_nil =
          both->left->kind == FieldExpression::Kind::kLiteral && both->left->literal.is_nil();
      if (is_about_nil && IsComparison(op)) std::swap(both->left, both->right);
      left = std::move(both);
    }
    return left;
  }

  Status CompileRegex(FieldExpression* both, size_t offset) const {
    if (both->op != Operator::kRegex && both->op != Operator::kNotRegex) return OkStatus();
    const FieldExpression& pattern = *both->right;
    if (pattern.kind != FieldExpression::Kind::kLiteral ||
        pattern.literal.type != ValueType::kString) {
      return ParseError(text_, offset, "a regular expression must be a string");
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto regex = std::make_shared<re2::RE2>(pattern.text, options);
    if (!regex->ok()) {
      return ParseError(text_, offset, "invalid regular expression: " + regex->error());
    }
    both->regex = std::move(regex);
    return OkStatus();
  }

  Result<FieldPtr> ParseFieldOperand() {
    if (Take("(")) {
      ASSIGN_OR_RETURN(FieldPtr inner, ParseField(0));
      RETURN_IF_ERROR(Expect(")"));
      return inner;
    }
    if (Take("-")) {
      FieldPtr negated = Leaf(FieldExpression::Kind::kNegate);
      ASSIGN_OR_RETURN(negated->left, ParseField(kOperandLevel));
      return Folded(std::move(negated));
    }
    const Token& token = Peek();
    FieldPtr literal = Leaf(FieldExpression::Kind::kLiteral);
    if (TokenLiteral(token, literal.get())) {
      ++at_;
      return literal;
    }
    FieldPtr field = Leaf(FieldExpression::Kind::kAttribute);
    ASSIGN_OR_RETURN(field->attribute, ParseAttributeName());
    return field;
  }

  static bool TokenLiteral(const Token& token, FieldExpression* literal) {
    switch (token.kind) {
      case TokenKind::kString:
        literal->text = token.text;
        literal->literal = Value::String(literal->text);
        return true;
      case TokenKind::kInteger:
        literal->literal = Value::Of(ValueType::kInt, token.integer);
        return true;
      case TokenKind::kFloat:
        literal->literal = Value::Float(token.number);
        return true;
      case TokenKind::kDuration:
        literal->literal = Value::Of(ValueType::kDuration, token.integer);
        return true;
      case TokenKind::kWord:
        if (const StaticName* named = FindNamed(kStatics, token.text)) {
          literal->literal = Value::Of(named->type, named->value);
          return true;
        }
        return false;
      default:
        return false;
    }
  }

  // Levels: 0 + -, 1 * / %, 2 ^, 3 operands.
  Result<ScalarPtr> ParseScalar(int level) {
    const Depth depth(&depth_);
    if (depth.is_too_deep()) return TooDeep();
    if (level == 3) return ParseScalarOperand();
    ASSIGN_OR_RETURN(ScalarPtr left, ParseScalar(level + 1));
    static constexpr int kFieldLevels[] = {2, 4, 5};
    Operator op = Operator::kAdd;
    while (FindFieldOperator(kFieldLevels[level], &op)) {
      ++at_;
      auto both = std::make_unique<ScalarExpression>();
      both->kind = ScalarExpression::Kind::kBinary;
      both->op = op;
      both->left = std::move(left);
      ASSIGN_OR_RETURN(both->right, ParseScalar(level + 1));
      left = std::move(both);
    }
    return left;
  }

  Result<ScalarPtr> ParseScalarOperand() {
    auto scalar = std::make_unique<ScalarExpression>();
    if (Take("(")) {
      ASSIGN_OR_RETURN(scalar, ParseScalar(0));
      RETURN_IF_ERROR(Expect(")"));
      return scalar;
    }
    const bool is_negative = Take("-");
    const Token& token = Peek();
    if (token.kind == TokenKind::kWord && !is_negative) {
      const AggregateName* aggregate = FindNamed(kAggregates, token.text);
      if (aggregate == nullptr) return Unexpected("expected an aggregate or a number");
      ++at_;
      scalar->kind = ScalarExpression::Kind::kAggregate;
      scalar->aggregate = aggregate->kind;
      RETURN_IF_ERROR(Expect("("));
      if (aggregate->kind != AggregateKind::kCount) {
        ASSIGN_OR_RETURN(scalar->field, ParseField(0));
      }
      RETURN_IF_ERROR(Expect(")"));
      return scalar;
    }
    FieldExpression literal;
    if (!TokenLiteral(token, &literal) || !literal.literal.is_numeric()) {
      return Unexpected("expected an aggregate or a number");
    }
    ++at_;
    scalar->literal = literal.literal;
    if (is_negative) {
      scalar->literal.integer = -scalar->literal.integer;
      scalar->literal.number = -scalar->literal.number;
    }
    return scalar;
  }

  Result<MetricStage> ParseMetric() {
    const MetricName* named =
        Peek().kind == TokenKind::kWord ? FindNamed(kMetrics, Peek().text) : nullptr;
    if (named == nullptr) return Unexpected("expected a metrics function");
    ++at_;
    MetricStage metric;
    metric.kind = named->kind;
    RETURN_IF_ERROR(Expect("("));
    if (metric.kind == MetricKind::kCompare) {
      RETURN_IF_ERROR(ParseCompare(&metric));
    } else if (metric.kind != MetricKind::kRate && metric.kind != MetricKind::kCountOverTime) {
      ASSIGN_OR_RETURN(metric.attribute, ParseAttributeName());
      while (metric.kind == MetricKind::kQuantileOverTime && Take(",")) {
        ASSIGN_OR_RETURN(const double quantile, ParseNumber());
        if (quantile < 0 || quantile > 1) return Unexpected("expected quantiles from 0 to 1");
        metric.quantiles.push_back(quantile);
      }
      if (metric.kind == MetricKind::kQuantileOverTime && metric.quantiles.empty()) {
        return Unexpected("expected a quantile");
      }
    }
    RETURN_IF_ERROR(Expect(")"));
    if (IsWord("by")) {
      if (metric.kind == MetricKind::kCompare) return Unexpected();
      ++at_;
      ASSIGN_OR_RETURN(metric.by, ParseAttributeList());
    }
    return metric;
  }

  // ({selection}, top, start, end)
  Status ParseCompare(MetricStage* metric) {
    ASSIGN_OR_RETURN(metric->selection, ParseSpansetOperand());
    if (metric->selection->kind != SpansetExpression::Kind::kFilter) {
      return Unexpected("compare() takes one spanset filter");
    }
    int64_t* const numbers[] = {&metric->top, nullptr, nullptr};
    for (int i = 0; i < 3 && Take(","); ++i) {
      if (Peek().kind != TokenKind::kInteger) return Unexpected("expected an integer");
      const int64_t value = Peek().integer;
      ++at_;
      if (i == 0) *numbers[0] = value;
      if (i == 1) metric->selection_start_ns = static_cast<uint64_t>(value);
      if (i == 2) metric->selection_end_ns = static_cast<uint64_t>(value);
    }
    if (metric->top <= 0) return Unexpected("compare() needs a positive number of values");
    return OkStatus();
  }

  Result<double> ParseNumber() {
    const bool is_negative = Take("-");
    const Token& token = Peek();
    double number = token.number;
    if (token.kind == TokenKind::kInteger) {
      number = static_cast<double>(token.integer);
    } else if (token.kind == TokenKind::kDuration) {
      number = static_cast<double>(token.integer) / 1e9;  // metrics of durations are in seconds
    } else if (token.kind != TokenKind::kFloat) {
      return Unexpected("expected a number");
    }
    ++at_;
    return is_negative ? -number : number;
  }

  Status ParseSecondStages(Query* query) {
    while (true) {
      SecondStage stage;
      if (IsSymbol("|")) {
        ++at_;
        if (!IsWord("topk") && !IsWord("bottomk")) return Unexpected("expected topk or bottomk");
        stage.kind = IsWord("topk") ? SecondStage::Kind::kTop : SecondStage::Kind::kBottom;
        ++at_;
        RETURN_IF_ERROR(Expect("("));
        if (Peek().kind != TokenKind::kInteger || Peek().integer <= 0) {
          return Unexpected("expected a positive integer");
        }
        stage.count = Peek().integer;
        ++at_;
        RETURN_IF_ERROR(Expect(")"));
        query->second.push_back(stage);
        continue;
      }
      bool found = false;
      for (const auto& [symbol, op] : kComparisons) {
        if (op == Operator::kRegex || op == Operator::kNotRegex || !IsSymbol(symbol)) continue;
        found = true;
        stage.op = op;
      }
      if (!found) return OkStatus();
      ++at_;
      stage.kind = SecondStage::Kind::kFilter;
      ASSIGN_OR_RETURN(stage.value, ParseNumber());
      query->second.push_back(stage);
    }
  }

  // with(sample=true, exemplars=10)
  Status ParseHints(Query* query) {
    if (!IsWord("with")) return OkStatus();
    ++at_;
    RETURN_IF_ERROR(Expect("("));
    do {
      if (Peek().kind != TokenKind::kWord) return Unexpected("expected the name of a hint");
      Hint hint;
      hint.name = Peek().text;
      ++at_;
      RETURN_IF_ERROR(Expect("="));
      FieldExpression literal;
      if (!TokenLiteral(Peek(), &literal)) return Unexpected("expected the value of a hint");
      ++at_;
      hint.value = literal.literal;
      hint.value.text = {};
      query->hints.push_back(std::move(hint));
    } while (Take(","));
    return Expect(")");
  }

  const std::string_view text_;
  const std::vector<Token> tokens_;
  size_t at_ = 0;
  size_t filter_count_ = 0;
  int depth_ = 0;
};

}  // namespace

std::string Attribute::ToText() const {
  if (intrinsic != Intrinsic::kNone) return name;
  static constexpr std::string_view kScopes[] = {".",      "span.", "resource.",
                                                 "event.", "link.", "instrumentation."};
  std::string text;
  if (of_parent) text = scope == Scope::kNone ? "parent" : "parent.";
  text += kScopes[static_cast<size_t>(scope)];
  const bool needs_quotes = name.find_first_of(" {}()=~!<>&|^,\"`") != std::string::npos;
  return needs_quotes ? text + '"' + name + '"' : text + name;
}

Result<Query> Parse(std::string_view text) {
  ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(text));
  if (tokens.size() > kTokensMax) {
    return ParseError(text, tokens[kTokensMax].offset, "the query is too long");
  }
  return Parser(text, std::move(tokens)).Run();
}

Result<Attribute> ParseAttribute(std::string_view text) {
  ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(text));
  return Parser(text, std::move(tokens)).RunAttribute();
}

}  // namespace varve::traceql
