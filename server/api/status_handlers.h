// /api/v1/status/..., the health probes, and what Grafana asks of a Prometheus that Varve has none
// of.
#pragma once

#include "server/api/api_context.h"
#include "server/http/message.h"

namespace varve::server {

Response HandleBuildInfo(const ApiContext& context, const Request& request);
Response HandleRuntimeInfo(const ApiContext& context, const Request& request);
Response HandleFlags(const ApiContext& context, const Request& request);
// What the flags and the file came to, as a file would say it.
Response HandleConfig(const ApiContext& context, const Request& request);
// Nothing is left to replay once the server answers.
Response HandleWalReplay(const ApiContext& context, const Request& request);
// What of Prometheus' optional features is on.
Response HandleFeatures(const ApiContext& context, const Request& request);
Response HandleTsdbStatus(const ApiContext& context, const Request& request);

// Empty and true: there are no rules, alerts, targets, Alertmanagers or notices here.
Response HandleRules(const ApiContext& context, const Request& request);
Response HandleAlerts(const ApiContext& context, const Request& request);
Response HandleTargets(const ApiContext& context, const Request& request);
Response HandleAlertmanagers(const ApiContext& context, const Request& request);
Response HandleTargetMetadata(const ApiContext& context, const Request& request);
Response HandleScrapePools(const ApiContext& context, const Request& request);
Response HandleNotifications(const ApiContext& context, const Request& request);

Response HandleHealthy(const ApiContext& context, const Request& request);
Response HandleReady(const ApiContext& context, const Request& request);

}  // namespace varve::server
