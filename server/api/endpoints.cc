#include "server/api/endpoints.h"

#include <utility>

#include "server/api/admin_handlers.h"
#include "server/api/exemplar_handlers.h"
#include "server/api/federate_handler.h"
#include "server/api/metadata_handlers.h"
#include "server/api/query_handlers.h"
#include "server/api/self_metrics.h"
#include "server/api/status_handlers.h"
#include "server/jaeger/jaeger_handlers.h"
#include "server/tempo/tempo_handlers.h"

namespace varve::server {
namespace {

using PlainHandler = Response (*)(const ApiContext&, const Request&);

struct Row {
  const char* path;
  MethodSet methods;
  Lane lane;
  PlainHandler handler;
};

constexpr MethodSet kGet = {Method::kGet};
constexpr MethodSet kPost = {Method::kPost};
constexpr MethodSet kPostPut = {Method::kPost, Method::kPut};
constexpr MethodSet kGetPost = {Method::kGet, Method::kPost};

constexpr Row kRows[] = {
    {"/api/v1/query", kGetPost, Lane::kQuery, HandleInstantQuery},
    {"/api/v1/query_range", kGetPost, Lane::kQuery, HandleRangeQuery},
    {"/api/v1/explain", kGetPost, Lane::kQuery, HandleExplain},
    {"/api/v1/query_exemplars", kGetPost, Lane::kQuery, HandleQueryExemplars},
    {"/api/v1/format_query", kGetPost, Lane::kControl, HandleFormatQuery},
    {"/api/v1/parse_query", kGetPost, Lane::kControl, HandleParseQuery},
    {"/api/v1/series", kGetPost, Lane::kQuery, HandleSeries},
    {"/api/v1/labels", kGetPost, Lane::kQuery, HandleLabelNames},
    {"/api/v1/metadata", kGet, Lane::kQuery, HandleMetadata},
    {"/api/v1/rules", kGet, Lane::kControl, HandleRules},
    {"/api/v1/alerts", kGet, Lane::kControl, HandleAlerts},
    {"/api/v1/targets", kGet, Lane::kControl, HandleTargets},
    {"/api/v1/targets/metadata", kGet, Lane::kControl, HandleTargetMetadata},
    {"/api/v1/scrape_pools", kGet, Lane::kControl, HandleScrapePools},
    {"/api/v1/notifications", kGet, Lane::kControl, HandleNotifications},
    {"/api/v1/alertmanagers", kGet, Lane::kControl, HandleAlertmanagers},
    {"/api/v1/status/buildinfo", kGet, Lane::kControl, HandleBuildInfo},
    {"/api/v1/status/runtimeinfo", kGet, Lane::kControl, HandleRuntimeInfo},
    {"/api/v1/status/flags", kGet, Lane::kControl, HandleFlags},
    {"/api/v1/status/config", kGet, Lane::kControl, HandleConfig},
    {"/api/v1/status/walreplay", kGet, Lane::kControl, HandleWalReplay},
    {"/api/v1/features", kGet, Lane::kControl, HandleFeatures},
    {"/api/v1/status/tsdb", kGet, Lane::kQuery, HandleTsdbStatus},
    {"/api/v1/admin/tsdb/delete_series", kPostPut, Lane::kQuery, HandleDeleteSeries},
    {"/api/v1/admin/tsdb/clean_tombstones", kPostPut, Lane::kQuery, HandleCleanTombstones},
    {"/api/v1/admin/flush", kPost, Lane::kQuery, HandleFlush},
    {"/api/v1/admin/tsdb/snapshot", kPostPut, Lane::kQuery, HandleSnapshot},
    {"/api/v1/admin/verify", kPost, Lane::kQuery, HandleVerify},
    {"/api/v1/admin/repair", kPost, Lane::kQuery, HandleRepair},
    {"/api/v1/admin/parts", kGet, Lane::kQuery, HandleParts},
    {"/api/v1/admin/compact", kPost, Lane::kQuery, HandleCompact},
    {"/api/v1/admin/retention", kGet, Lane::kQuery, HandleRetention},
    {"/-/healthy", kGet, Lane::kControl, HandleHealthy},
    {"/-/ready", kGet, Lane::kControl, HandleReady},
    {"/federate", kGet, Lane::kQuery, HandleFederate},
    {"/metrics", kGet, Lane::kControl, HandleSelfMetrics},
};

}  // namespace

std::vector<Endpoint> ApiEndpoints(const ApiContext* context) {
  std::vector<Endpoint> endpoints = TempoEndpoints(context);
  for (Endpoint& endpoint : JaegerEndpoints(context)) endpoints.push_back(std::move(endpoint));
  endpoints.push_back({"/api/v1/write", kPost, Lane::kWrite,
                       [context](const Request& request, const CallContext& call) {
                         return context->remote_write->Handle(request, call);
                       }});
  // The second path is the one under which Prometheus takes OTLP.
  for (const char* path : {"/v1/metrics", "/api/v1/otlp/v1/metrics"}) {
    endpoints.push_back(
        {path, kPost, Lane::kWrite, [context](const Request& request, const CallContext& call) {
           return context->otlp->HandleMetrics(request, call);
         }});
  }
  endpoints.push_back(
      {"/v1/traces", kPost, Lane::kWrite, [context](const Request& request, const CallContext&) {
         return context->otlp->HandleTraces(request);
       }});
  endpoints.push_back(
      {"/api/v1/read", kPost, Lane::kQuery, [context](const Request& request, const CallContext&) {
         return context->remote_read->Handle(request);
       }});
  endpoints.push_back({"/api/v1/label/{name}/values", kGet, Lane::kQuery,
                       [context](const Request& request, const CallContext& call) {
                         return HandleLabelValues(*context, request, call.path_parameter);
                       }});
  for (const Row& row : kRows) {
    endpoints.push_back(
        {row.path, row.methods, row.lane,
         [context, handler = row.handler](const Request& request, const CallContext&) {
           return handler(*context, request);
         }});
  }
  return endpoints;
}

}  // namespace varve::server
