// /api/v1/status/..., the health probes, and what Grafana asks of a Prometheus that Varve has none
// of.
#pragma once

#include "server/api/api_context.h"
#include "server/http/message.h"

namespace varve::server {

Response HandleBuildInfo(const ApiContext& context, const Request& request);
Response HandleRuntimeInfo(const ApiContext& context, const Request& request);
Response HandleFlags(const ApiContext& context, const Request& request);
Response HandleTsdbStatus(const ApiContext& context, const Request& request);

// Empty and true: there are no rules, alerts, targets, Alertmanagers or stored exemplars here.
Response HandleRules(const ApiContext& context, const Request& request);
Response HandleAlerts(const ApiContext& context, const Request& request);
Response HandleTargets(const ApiContext& context, const Request& request);
Response HandleAlertmanagers(const ApiContext& context, const Request& request);
Response HandleExemplars(const ApiContext& context, const Request& request);

Response HandleHealthy(const ApiContext& context, const Request& request);
Response HandleReady(const ApiContext& context, const Request& request);
// POST: returns when everything in memory is on disk as parts.
Response HandleFlush(const ApiContext& context, const Request& request);

}  // namespace varve::server
