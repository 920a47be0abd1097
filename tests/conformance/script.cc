#include "tests/conformance/script.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "query/promql/literal.h"

namespace varve::conformance {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r";
  const size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) + 1 - begin);
}

// The first word of `*text`, which is cut off together with the spaces behind it.
std::string_view TakeWord(std::string_view* text) {
  const size_t end = std::min(text->find_first_of(" \t"), text->size());
  const std::string_view word = text->substr(0, end);
  *text = Trim(text->substr(end));
  return word;
}

bool TakePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  *text = Trim(text->substr(prefix.size()));
  return true;
}

Result<int64_t> ParseTime(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  ASSIGN_OR_RETURN(const int64_t ns, promql::ParseDurationNs(text));
  return (negative ? -ns : ns) / 1'000'000;
}

// "from A to B step C", cut off from `*text`.
Result<TimeSteps> TakeTimeSteps(std::string_view* text) {
  TimeSteps steps;
  const auto take = [&](std::string_view keyword, int64_t* out) -> Status {
    if (TakeWord(text) != keyword)
      return InvalidArgumentError("expected \"" + std::string(keyword) + "\"");
    ASSIGN_OR_RETURN(*out, ParseTime(TakeWord(text)));
    return OkStatus();
  };
  RETURN_IF_ERROR(take("from", &steps.start_ms));
  RETURN_IF_ERROR(take("to", &steps.end_ms));
  RETURN_IF_ERROR(take("step", &steps.step_ms));
  return steps;
}

std::optional<Expectation::Kind> ExpectationKind(std::string_view word) {
  using Kind = Expectation::Kind;
  if (word == "ordered") return Kind::kOrdered;
  if (word == "fail") return Kind::kFail;
  if (word == "warn") return Kind::kWarn;
  if (word == "no_warn") return Kind::kNoWarn;
  if (word == "info") return Kind::kInfo;
  if (word == "no_info") return Kind::kNoInfo;
  return std::nullopt;
}

// Behind "expect": `warn`, `fail msg: text`, `info regex: text`.
Result<Expectation> ParseExpectation(std::string_view text) {
  const std::string_view word = TakeWord(&text);
  const std::optional<Expectation::Kind> kind = ExpectationKind(word);
  if (!kind.has_value())
    return InvalidArgumentError("unknown expectation \"" + std::string(word) + "\"");
  Expectation out{*kind, Expectation::Match::kAny, {}};
  if (TakePrefix(&text, "msg:")) {
    out.match = Expectation::Match::kMessage;
  } else if (TakePrefix(&text, "regex:")) {
    out.match = Expectation::Match::kRegex;
  } else if (!text.empty()) {
    return InvalidArgumentError("expected \"msg:\" or \"regex:\", got \"" + std::string(text) +
                                "\"");
  }
  out.text = std::string(text);
  return out;
}

std::optional<double> AsNumber(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || (!promql::IsDigit(text[0]) && text[0] != '.' && text.size() != 3))
    return std::nullopt;
  const Result<double> value = promql::ParseNumber(text);
  if (!value.ok()) return std::nullopt;
  return negative ? -*value : *value;
}

class ScriptParser {
 public:
  ScriptParser(std::string_view text, std::string_view file) : file_(file) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      lines_.push_back(Trim(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  Result<std::vector<Command>> Parse() {
    std::vector<Command> commands;
    while (at_ < lines_.size()) {
      const std::string_view line = lines_[at_];
      if (line.empty() || line.starts_with('#')) {
        ReadId(line);
        ++at_;
        continue;
      }
      const size_t line_number = at_ + 1;
      Result<Command> command = ParseCommand();
      if (!command.ok()) {
        return command.status().WithContext(std::string(file_) + ":" + std::to_string(line_number));
      }
      commands.push_back(*std::move(command));
      id_.clear();
      class_.clear();
    }
    return commands;
  }

 private:
  // "# id: operators.test:22 class=stable split=shared" names the next evaluation.
  void ReadId(std::string_view line) {
    if (line.empty()) return;
    std::string_view rest = Trim(line.substr(1));
    if (!TakePrefix(&rest, "id:")) return;
    id_ = std::string(TakeWord(&rest));
    while (!rest.empty()) {
      std::string_view word = TakeWord(&rest);
      if (TakePrefix(&word, "class=")) class_ = std::string(word);
    }
  }

  Result<Command> ParseCommand() {
    std::string_view rest = lines_[at_];
    const std::string_view word = TakeWord(&rest);
    const int line = static_cast<int>(at_ + 1);
    ++at_;
    if (word == "clear") return Command(ClearCommand());
    if (word == "load") return ParseLoad(line, LoadCommand::Derive::kNothing, rest);
    if (word == "load_with_nhcb") {
      return ParseLoad(line, LoadCommand::Derive::kWithCustomBuckets, rest);
    }
    if (word == "eval" || word.starts_with("eval_")) return ParseEval(line, word, rest);
    return InvalidArgumentError("unknown command \"" + std::string(word) + "\"");
  }

  // The next line of the block that was opened; a blank line or a comment ends it.
  std::optional<std::string_view> NextOfBlock() {
    if (at_ >= lines_.size() || lines_[at_].empty() || lines_[at_].starts_with('#'))
      return std::nullopt;
    return lines_[at_++];
  }

  Result<Command> ParseLoad(int line, LoadCommand::Derive derive, std::string_view rest) {
    LoadCommand load;
    load.line = line;
    load.derive = derive;
    ASSIGN_OR_RETURN(load.step_ms, ParseTime(rest));
    std::vector<std::optional<int64_t>> start_offsets_ms;
    while (const auto next = NextOfBlock()) {
      if (next->substr(0, next->find_first_of(" \t")).ends_with("@st")) {
        ASSIGN_OR_RETURN(start_offsets_ms, ParseStartTimeLine(*next));
        continue;
      }
      ASSIGN_OR_RETURN(SeriesLine series, ParseSeriesLine(*next));
      series.start_offsets_ms = std::exchange(start_offsets_ms, {});
      load.series.push_back(std::move(series));
    }
    return Command(std::move(load));
  }

  Result<Command> ParseEval(int line, std::string_view word, std::string_view rest) {
    EvalCommand eval;
    eval.line = line;
    eval.id = id_.empty() ? std::string(file_) + ":" + std::to_string(line) : id_;
    eval.klass = class_.empty() ? "stable" : class_;
    if (TakePrefix(&word, "eval_")) {
      const auto kind = ExpectationKind(word);
      if (!kind.has_value())
        return InvalidArgumentError("unknown evaluation \"" + std::string(word) + "\"");
      eval.expectations.push_back({*kind, Expectation::Match::kAny, {}});
    }
    const std::string_view mode = TakeWord(&rest);
    if (mode == "instant") {
      if (TakeWord(&rest) != "at") return InvalidArgumentError("expected \"at\"");
      ASSIGN_OR_RETURN(eval.steps.start_ms, ParseTime(TakeWord(&rest)));
      eval.steps.end_ms = eval.steps.start_ms;
    } else if (mode == "range") {
      eval.is_range = true;
      ASSIGN_OR_RETURN(eval.steps, TakeTimeSteps(&rest));
    } else {
      return InvalidArgumentError("expected \"instant\" or \"range\", got \"" + std::string(mode) +
                                  "\"");
    }
    eval.expression = std::string(rest);
    while (const auto next = NextOfBlock()) RETURN_IF_ERROR(ParseExpected(*next, &eval));
    return Command(std::move(eval));
  }

  Status ParseExpected(std::string_view line, EvalCommand* eval) {
    if (TakePrefix(&line, "expected_fail_message")) {
      eval->expectations.push_back(
          {Expectation::Kind::kFail, Expectation::Match::kMessage, std::string(line)});
      return OkStatus();
    }
    if (TakePrefix(&line, "expected_fail_regexp")) {
      eval->expectations.push_back(
          {Expectation::Kind::kFail, Expectation::Match::kRegex, std::string(line)});
      return OkStatus();
    }
    if (TakePrefix(&line, "expect range vector")) {
      ASSIGN_OR_RETURN(eval->range_vector, TakeTimeSteps(&line));
      return OkStatus();
    }
    if (TakePrefix(&line, "expect string")) {
      if (line.size() < 2) return InvalidArgumentError("expected a quoted string");
      eval->string = promql::Unquote(line);
      return OkStatus();
    }
    if (TakePrefix(&line, "expect ")) {
      ASSIGN_OR_RETURN(Expectation expectation, ParseExpectation(line));
      eval->expectations.push_back(std::move(expectation));
      return OkStatus();
    }
    if (const std::optional<double> number = AsNumber(line)) {
      eval->scalar = number;
      return OkStatus();
    }
    ASSIGN_OR_RETURN(SeriesLine series, ParseSeriesLine(line));
    if (series.values.size() > 1 && !eval->is_range && !eval->range_vector.has_value()) {
      return InvalidArgumentError("an instant evaluation with several values for one series");
    }
    eval->series.push_back(std::move(series));
    return OkStatus();
  }

  const std::string_view file_;
  std::vector<std::string_view> lines_;
  size_t at_ = 0;
  std::string id_;
  std::string class_;
};

}  // namespace

bool EvalCommand::Expects(Expectation::Kind kind) const {
  return std::any_of(expectations.begin(), expectations.end(),
                     [kind](const Expectation& expectation) { return expectation.kind == kind; });
}

Result<std::vector<Command>> ParseScript(std::string_view text, std::string_view file) {
  return ScriptParser(text, file).Parse();
}

}  // namespace varve::conformance
