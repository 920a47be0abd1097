#include "storage/format/traces_message.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace varve::format {
namespace {

void PutBytes(uint32_t field, std::string_view bytes, std::string* out) {
  AppendVarint(out, WireTag(field, WireType::kBytes));
  AppendLengthPrefixed(out, bytes);
}

// Fields 1, 2 and 3 of ResourceSpans and ScopeSpans.
std::string WithOrigin(std::string_view origin_bytes, std::string_view items) {
  const Result<Origin> origin = DecodeOrigin(origin_bytes);
  VARVE_CHECK(origin.ok());
  std::string out;
  if (!origin->message.empty()) PutBytes(1, origin->message, &out);
  out += items;
  if (!origin->schema_url.empty()) PutBytes(3, origin->schema_url, &out);
  return out;
}

}  // namespace

void TracesBuilder::Add(std::string_view resource, std::string_view scope, std::string_view span) {
  const auto [at, is_new] = numbers_.try_emplace(std::string(resource), resources_.size());
  if (is_new) resources_.push_back({std::string(resource), {}});
  std::vector<Scope>& scopes = resources_[at->second].scopes;
  auto found = std::find_if(scopes.rbegin(), scopes.rend(),
                            [&](const Scope& known) { return known.origin == scope; });
  if (found == scopes.rend()) {
    scopes.push_back({std::string(scope), {}});
    found = scopes.rbegin();
  }
  PutBytes(2, span, &found->spans);
}

std::string TracesBuilder::Finish() {
  std::string out;
  for (const Resource& resource : resources_) {
    std::string scopes;
    for (const Scope& scope : resource.scopes) {
      PutBytes(2, WithOrigin(scope.origin, scope.spans), &scopes);
    }
    PutBytes(1, WithOrigin(resource.origin, scopes), &out);
  }
  resources_.clear();
  numbers_.clear();
  return out;
}

}  // namespace varve::format
