// Results of queries as the JSON of Prometheus' API.
#pragma once

#include "server/api/json_writer.h"
#include "server/api/query_parameters.h"
#include "varve/histogram.h"
#include "varve/promql.h"

namespace varve::server {

// {"count":"3","sum":"1.5","buckets":[[0,"0.5","1","3"],...]}; the first number of a bucket tells
// which bounds belong to it (0: the upper, 1: the lower, 2: neither, 3: both); empty buckets are
// left out.
void WriteHistogram(const Histogram& histogram, JsonWriter* json);

// The keys resultType and result. REQUIRES: an object is open.
void WriteValue(const promql::QueryResult& result, JsonWriter* json);
// The key stats.
void WriteStatistics(const promql::QueryStatistics& statistics, JsonWriter* json);

}  // namespace varve::server
