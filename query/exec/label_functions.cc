#include "query/exec/label_functions.h"

#include <re2/re2.h>

#include <charconv>
#include <memory>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "query/exec/label_ops.h"
#include "query/exec/row_merge.h"

namespace varve::promql::exec {
namespace {

bool IsWordByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// One piece of a replacement: text, or a reference to a group.
struct TemplatePiece {
  std::string text;
  int group = -1;  // the text stands for itself
};

// The group that a name in a template means; -1 when the pattern has none such.
int GroupIndex(std::string_view name, const RE2& regex) {
  int index = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
  if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) {
    return index <= regex.NumberOfCapturingGroups() ? index : -1;
  }
  const auto& names = regex.NamedCapturingGroups();
  const auto found = names.find(std::string(name));
  return found == names.end() ? -1 : found->second;
}

// The length of the group reference after a '$', with braces; 0 when there is none.
size_t ReferenceLength(std::string_view rest, std::string_view* name) {
  const bool braces = !rest.empty() && rest[0] == '{';
  const size_t begin = braces ? 1 : 0;
  size_t end = begin;
  while (end < rest.size() && IsWordByte(rest[end])) ++end;
  if (end == begin || (braces && (end == rest.size() || rest[end] != '}'))) return 0;
  *name = rest.substr(begin, end - begin);
  return end + begin;
}

// Go's regexp.Expand templates: $name and ${name} with the longest possible name, $$ for a dollar;
// references to groups that do not exist are empty, a dollar before anything else is itself.
std::vector<TemplatePiece> ParseTemplate(std::string_view text, const RE2& regex) {
  std::vector<TemplatePiece> pieces(1);
  while (!text.empty()) {
    const size_t dollar = text.find('$');
    pieces.back().text.append(text.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    if (!text.empty() && text[0] == '$') {
      pieces.back().text.push_back('$');
      text.remove_prefix(1);
      continue;
    }
    std::string_view name;
    const size_t length = ReferenceLength(text, &name);
    if (length == 0) {
      pieces.back().text.push_back('$');
      continue;
    }
    const int group = GroupIndex(name, regex);
    if (group >= 0) {
      pieces.push_back({"", group});
      pieces.emplace_back();
    }
    text.remove_prefix(length);
  }
  return pieces;
}

}  // namespace

class LabelReplacer::Impl {
 public:
  Impl(std::string destination, std::string source, const std::string& pattern)
      : destination_(std::move(destination)),
        source_(std::move(source)),
        regex_("^(?s:" + pattern + ")$", RE2::Quiet) {}

  bool ok() const { return regex_.ok(); }
  void SetTemplate(std::string_view text) { pieces_ = ParseTemplate(text, regex_); }

  // Changes the labels of `row` when their source label matches.
  void Apply(SeriesRow* row) const {
    const std::string_view value = row->labels.Get(source_);
    std::vector<re2::StringPiece> groups(static_cast<size_t>(regex_.NumberOfCapturingGroups()) + 1);
    if (!regex_.Match(re2::StringPiece(value.data(), value.size()), 0, value.size(),
                      RE2::ANCHOR_BOTH, groups.data(), static_cast<int>(groups.size()))) {
      return;
    }
    std::string result;
    for (const TemplatePiece& piece : pieces_) {
      if (piece.group < 0) {
        result += piece.text;
      } else {
        const re2::StringPiece& group = groups[static_cast<size_t>(piece.group)];
        if (group.data() != nullptr) result.append(group.data(), group.size());
      }
    }
    row->labels = SetLabel(row->labels, destination_, result);
    if (destination_ == kMetricNameLabel) row->drop_name = false;
  }

 private:
  const std::string destination_;
  const std::string source_;
  const RE2 regex_;
  std::vector<TemplatePiece> pieces_;
};

LabelReplacer::LabelReplacer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LabelReplacer::~LabelReplacer() = default;

Result<std::unique_ptr<LabelReplacer>> LabelReplacer::Compile(const std::string& destination,
                                                              const std::string& replacement,
                                                              const std::string& source,
                                                              const std::string& pattern) {
  auto impl = std::make_unique<Impl>(destination, source, pattern);
  if (!impl->ok()) {
    return OutOfRangeError("invalid regular expression in label_replace(): " + pattern);
  }
  if (destination.empty() || !IsValidUtf8(destination)) {
    return OutOfRangeError("invalid destination label name in label_replace(): " + destination);
  }
  impl->SetTemplate(replacement);
  return std::unique_ptr<LabelReplacer>(new LabelReplacer(std::move(impl)));
}

Status LabelReplacer::Apply(VectorValue* value) const {
  for (SeriesRow& row : value->rows()) impl_->Apply(&row);
  return ResolveEqualLabels(EqualLabels::kMergeDisjoint, value);
}

Status JoinLabels(const std::string& destination, const std::string& separator,
                  const std::vector<std::string>& sources, VectorValue* value) {
  std::string joined;
  for (SeriesRow& row : value->rows()) {
    joined.clear();
    for (size_t i = 0; i < sources.size(); ++i) {
      if (i > 0) joined += separator;
      joined += row.labels.Get(sources[i]);
    }
    row.labels = SetLabel(row.labels, destination, joined);
    if (destination == kMetricNameLabel) row.drop_name = false;
  }
  return ResolveEqualLabels(EqualLabels::kMergeDisjoint, value);
}

}  // namespace varve::promql::exec
