#include "tests/differential/generator.h"

#include <bit>
#include <cmath>
#include <limits>

#include "varve/sample.h"

namespace varve::differential {
namespace {

constexpr int64_t kSpanMs = 30 * 60 * 1000;
constexpr int kDepthMax = 4;

double OddValue(Random* random) {
  switch ((*random)() % 4) {
    case 0:
      return std::nan("");
    case 1:
      return std::numeric_limits<double>::infinity();
    case 2:
      return -std::numeric_limits<double>::infinity();
    default:
      return std::bit_cast<double>(kStaleMarkerBits);
  }
}

enum class Shape : uint8_t { kGauge, kCounter };

// Times about `interval_ms` apart with jitter, gaps and a late begin or early end.
SeriesData RandomSeries(LabelMap labels, Shape shape, Random* random) {
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>((*random)() % static_cast<uint64_t>(n));
  };
  SeriesData series{std::move(labels), {}};
  const int64_t interval_ms = 5000 * (1 + below(6));
  const int64_t jitter_ms = below(3) == 0 ? 0 : 1 + below(3000);
  const int64_t end_ms = kOriginMs + kSpanMs - (below(3) == 0 ? below(kSpanMs) : 0);
  const bool odd = below(3) == 0;  // most series hold ordinary numbers alone
  int64_t quarters = below(400);
  // Half of the series begin on a multiple of 5 s, so that samples meet the edges of windows.
  const int64_t begin_ms = below(2) == 0 ? 5000 * below(12) : below(60'000);
  for (int64_t t = kOriginMs + begin_ms; t < end_ms; t += interval_ms) {
    if (below(40) == 0) t += below(8) * 60'000;
    if (shape == Shape::kCounter) {
      quarters = below(30) == 0 ? below(20) : quarters + 4 * below(10);
    } else {
      quarters = below(8) == 0 ? quarters : below(400) - 200;
    }
    const bool replace = odd && below(20) == 0;
    series.samples[t + (jitter_ms == 0 ? 0 : below(jitter_ms))] =
        replace ? OddValue(random) : static_cast<double>(quarters) / 4;
  }
  return series;
}

// Cumulative buckets that are scraped together.
void AddHistogram(const LabelMap& labels, Random* random, Dataset* data) {
  const char* const bounds[] = {"0.5", "1", "2.5", "10", "+Inf"};
  double totals[5] = {};
  const size_t first = data->size();
  for (const char* bound : bounds) {
    LabelMap with_bound = labels;
    with_bound["le"] = bound;
    data->push_back({with_bound, {}});
  }
  for (int64_t t = kOriginMs; t < kOriginMs + kSpanMs; t += 20'000) {
    double cumulative = 0;
    for (size_t i = 0; i < 5; ++i) {
      totals[i] += static_cast<double>((*random)() % 4);
      cumulative += totals[i];
      (*data)[first + i].samples[t] = cumulative;
    }
  }
}

}  // namespace

Dataset RandomDataset(Random* random) {
  Dataset data;
  for (const char* job : {"a", "b"}) {
    for (const char* instance : {"1", "2"}) {
      const auto labels = [&](const char* metric) {
        LabelMap out = {{"__name__", metric}, {"job", job}, {"instance", instance}};
        if (instance[0] == '2') out["env"] = "x";
        return out;
      };
      data.push_back(RandomSeries(labels("gauge"), Shape::kGauge, random));
      data.push_back(RandomSeries(labels("other"), Shape::kGauge, random));
      data.push_back(RandomSeries(labels("counter_total"), Shape::kCounter, random));
    }
    data.push_back(RandomSeries({{"__name__", "per_job"}, {"job", job}}, Shape::kGauge, random));
    AddHistogram({{"__name__", "h_bucket"}, {"job", job}}, random, &data);
  }
  return data;
}

Times RandomTimes(Random* random) {
  const auto below = [&](uint64_t n) { return static_cast<int64_t>((*random)() % n); };
  const int64_t steps_ms[] = {5000, 15'000, 60'000, 137'000, 1000};
  Times times;
  // Mostly on the seconds where samples are, too.
  const int64_t unit_ms = below(4) == 0 ? 1000 : 5000;
  times.start_ms = kOriginMs + below(static_cast<uint64_t>(kSpanMs / unit_ms)) * unit_ms;
  times.step_ms = steps_ms[below(5)];
  times.end_ms = times.start_ms + times.step_ms * below(12);
  return times;
}

std::string QueryGenerator::Query() {
  const int depth = static_cast<int>(Below(kDepthMax + 1));
  return OneIn(12) ? Scalar(depth, Exactness::kAny) : Vector(depth, Exactness::kAny);
}

std::string QueryGenerator::Number() {
  return Pick({"0", "1", "2", "3", "5", "-1", "-4", "10", "0.5", "0.25", "100"});
}

std::string QueryGenerator::Scalar(int depth, Exactness exactness) {
  if (depth <= 0) return Number();
  switch (Below(5)) {
    case 0:
      return "scalar(" + Vector(depth - 1, exactness) + ")";
    case 1:
      return Scalar(depth - 1, exactness) + Pick({" + ", " - ", " * "}) +
             Scalar(depth - 1, exactness);
    case 2:
      return exactness == Exactness::kAny ? Pick({"time()", "pi()", "-time()"}) : Number();
    case 3:
      return "(" + Scalar(depth - 1, exactness) + Pick({" < bool ", " == bool ", " >= bool "}) +
             Scalar(depth - 1, Exactness::kExact) + ")";
    default:
      return Number();
  }
}

std::string QueryGenerator::SelectorHead(const std::string& metric) {
  std::string out = metric;
  if (OneIn(3)) {
    out += Pick({"{job=\"a\"}", "{job!=\"a\"}", "{instance=~\"1|3\"}", "{env=\"\"}",
                 "{env!~\"x|y\"}", "{job=\"b\",instance=\"2\"}", "{job=\"none\"}"});
  }
  return out;
}

std::string QueryGenerator::TimeShift() {
  std::string out;
  if (OneIn(8)) {
    out += OneIn(2) ? Pick({" @ start()", " @ end()"})
                    : " @ " + std::to_string(kOriginMs / 1000 + static_cast<int64_t>(Below(1800)));
  }
  if (OneIn(6)) out += " offset " + Pick({"10s", "1m", "137s", "-30s", "5m", "-2m"});
  return out;
}

std::string QueryGenerator::Selector() {
  if (OneIn(25)) return "{__name__=~\"gauge|other\"}" + TimeShift();
  return SelectorHead(Pick({"gauge", "gauge", "other", "counter_total", "per_job", "h_bucket"})) +
         TimeShift();
}

std::string QueryGenerator::Range(int depth, Exactness exactness) {
  const std::string range = Pick({"30s", "1m", "5m", "437s", "10m", "17s"});
  if (OneIn(30)) return "{__name__=~\"gauge|other\"}[" + range + "]" + TimeShift();
  if (depth <= 0 || OneIn(2)) {
    return SelectorHead(Pick({"gauge", "other", "counter_total", "counter_total", "per_job"})) +
           "[" + range + "]" + TimeShift();
  }
  return "(" + Vector(depth - 1, exactness) + ")[" + range + ":" +
         Pick({"", "10s", "30s", "1m", "47s"}) + "]" + TimeShift();
}

std::string QueryGenerator::RangeFunction(int depth, Exactness exactness) {
  if (exactness == Exactness::kExact || OneIn(3)) {
    // Exact on exact samples; and those that jump.
    const std::string name =
        Pick({"sum_over_time", "min_over_time", "max_over_time", "count_over_time",
              "last_over_time", "first_over_time", "present_over_time", "changes", "resets",
              "idelta", "absent_over_time"});
    return name + "(" + Range(depth, Exactness::kExact) + ")";
  }
  switch (Below(7)) {
    case 0:
      return "quantile_over_time(" + Pick({"0.5", "0", "1", "0.9", "-1", "2"}) + ", " +
             Range(depth, Exactness::kAny) + ")";
    case 1:
      return "predict_linear(" + Range(depth, Exactness::kExact) + ", " + Number() + ")";
    case 2:
      return "double_exponential_smoothing(" + Range(depth, Exactness::kAny) + ", 0.5, 0.25)";
    case 3:
      return Pick({"ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time",
                   "ts_of_min_over_time"}) +
             "(" + Range(depth, Exactness::kExact) + ")";
    case 4:
      return Pick({"avg_over_time", "stddev_over_time", "stdvar_over_time", "mad_over_time",
                   "delta"}) +
             "(" + Range(depth, Exactness::kExact) + ")";
    default:
      return Pick({"rate", "increase", "irate", "deriv"}) + "(" + Range(depth, Exactness::kExact) +
             ")";
  }
}

std::string QueryGenerator::GroupClause() {
  if (OneIn(3)) return "";
  return Pick({" by (job) ", " by (instance, env) ", " without (instance) ", " by () ",
               " without () ", " by (__name__) ", " without (job, le) "});
}

std::string QueryGenerator::Aggregation(int depth, Exactness exactness) {
  if (exactness == Exactness::kAny && OneIn(3)) {
    if (OneIn(3)) {
      return "quantile" + GroupClause() + "(" + Pick({"0.5", "0.3", "-1", "1"}) + ", " +
             Vector(depth - 1, Exactness::kAny) + ")";
    }
    return Pick({"avg", "stddev", "stdvar"}) + GroupClause() + "(" +
           Vector(depth - 1, Exactness::kExact) + ")";
  }
  if (OneIn(8)) {
    return "count_values" + GroupClause() + "(\"val\", " + Vector(depth - 1, Exactness::kExact) +
           ")";
  }
  return Pick({"sum", "min", "max", "count", "group"}) + GroupClause() + "(" +
         Vector(depth - 1, exactness) + ")";
}

// Which of equals are kept is nobody's promise, so only their sum shows.
std::string QueryGenerator::Ranked(int depth) {
  return Pick({"sum(", "count("}) + Pick({"topk", "bottomk"}) + GroupClause() + "(" +
         Pick({"1", "2", "3", "0", "100"}) + ", " + Vector(depth - 1, Exactness::kExact) + "))";
}

std::string QueryGenerator::VectorScalar(int depth, Exactness exactness) {
  const std::string op = exactness == Exactness::kExact
                             ? Pick({" + ", " - ", " * "})
                             : Pick({" + ", " - ", " * ", " / ", " ^ ", " atan2 "});
  const std::string vector = "(" + Vector(depth - 1, exactness) + ")";
  const std::string scalar = "(" + Scalar(depth - 1, exactness) + ")";
  return OneIn(2) ? vector + op + scalar : scalar + op + vector;
}

std::string QueryGenerator::VectorVector(int depth, Exactness exactness) {
  const std::string op = exactness == Exactness::kExact ? Pick({" + ", " - ", " * "})
                                                        : Pick({" + ", " - ", " * ", " / "});
  const std::string matching =
      Pick({"", "", "", "on (job, instance) ", "ignoring (env) ", "on (job) group_left () ",
            "on (job) group_right () ", "on (job) group_left (env) ", "ignoring (instance, env) ",
            "on () ", "ignoring (instance, env) group_left () "});
  const std::string fill = OneIn(4) ? Pick({"fill (0) ", "fill_left (1) ", "fill_right (-2) ",
                                            "fill_left (0) fill_right (1) ", "fill (-Inf) "})
                                    : "";
  return "(" + Vector(depth - 1, exactness) + ")" + op + matching + fill + "(" +
         Vector(depth - 1, exactness) + ")";
}

std::string QueryGenerator::SetOperation(int depth, Exactness exactness) {
  return "(" + Vector(depth - 1, exactness) + ")" + Pick({" and ", " or ", " unless "}) +
         Pick({"", "", "on (job) ", "ignoring (env, instance) ", "on () "}) + "(" +
         Vector(depth - 1, exactness) + ")";
}

std::string QueryGenerator::Comparison(int depth, Exactness) {
  const std::string op = Pick({" == ", " != ", " < ", " > ", " <= ", " >= "});
  const std::string modifier = OneIn(3) ? "bool " : "";
  const std::string lhs = "(" + Vector(depth - 1, Exactness::kExact) + ")";
  if (OneIn(2)) {
    const std::string scalar = "(" + Scalar(depth - 1, Exactness::kExact) + ")";
    return OneIn(2) ? lhs + op + modifier + scalar : scalar + op + modifier + lhs;
  }
  return lhs + op + modifier + Pick({"", "on (job, instance) ", "on (job) group_left () "}) + "(" +
         Vector(depth - 1, Exactness::kExact) + ")";
}

std::string QueryGenerator::ElementFunction(int depth, Exactness exactness) {
  if (exactness == Exactness::kExact || OneIn(2)) {
    const std::string in = Vector(depth - 1, Exactness::kExact);
    switch (Below(5)) {
      case 0:
        return "clamp(" + in + ", " + Number() + ", " + Number() + ")";
      case 1:
        return Pick({"clamp_min(", "clamp_max("}) + in + ", " + Number() + ")";
      case 2:
        return "round(" + in + Pick({"", ", 2", ", 0.5"}) + ")";
      default:
        return Pick({"abs", "ceil", "floor", "sgn", "sort", "sort_desc"}) + "(" + in + ")";
    }
  }
  switch (Below(4)) {
    case 0:
      return "timestamp(" + (OneIn(2) ? Selector() : Vector(depth - 1, Exactness::kAny)) + ")";
    case 1:
      return Pick({"minute", "hour", "day_of_week", "day_of_month", "day_of_year", "month",
                   "year"}) +
             "()";
    default:
      return Pick({"exp", "sqrt", "ln", "log2", "log10", "deg", "rad"}) + "(" +
             Vector(depth - 1, Exactness::kAny) + ")";
  }
}

std::string QueryGenerator::LabelFunction(int depth, Exactness exactness) {
  const std::string in = Vector(depth - 1, exactness);
  if (OneIn(3)) {
    return "label_join(" + in + ", \"" + Pick({"joined", "job", "env"}) +
           "\", \"-\", \"job\", \"instance\")";
  }
  return "label_replace(" + in + ", \"" + Pick({"copy", "env", "job"}) + "\", \"" +
         Pick({"$1", "x-$1", "", "fixed"}) + "\", \"" + Pick({"job", "instance", "nosuch"}) +
         "\", \"" + Pick({"(.*)", "(a)", "([0-9]+)", "(.+)"}) + "\")";
}

std::string QueryGenerator::Quantile(int depth) {
  const std::string buckets =
      depth > 1 && OneIn(2) ? "sum by (le" + Pick({"", ", job"}) + ") (h_bucket" + TimeShift() + ")"
                            : SelectorHead("h_bucket") + TimeShift();
  return "histogram_quantile(" + Pick({"0.5", "0.9", "0", "1", "-1", "0.25"}) + ", " + buckets +
         ")";
}

std::string QueryGenerator::Vector(int depth, Exactness exactness) {
  if (depth <= 0) return OneIn(12) ? "vector(" + Number() + ")" : Selector();
  switch (Below(24)) {
    case 0:
    case 1:
      return Selector();
    case 2:
      return "(" + Vector(depth - 1, exactness) + ")";
    case 3:
      return "-(" + Vector(depth - 1, exactness) + ")";
    case 4:
      return "vector(" + Scalar(depth - 1, exactness) + ")";
    case 5:
      return "absent(" + Vector(depth - 1, exactness) + ")";
    case 6:
      return exactness == Exactness::kAny ? Quantile(depth) : Selector();
    case 7:
      return Ranked(depth);
    case 8:
      return LabelFunction(depth, exactness);
    case 9:
    case 10:
      return ElementFunction(depth, exactness);
    case 11:
    case 12:
      return Comparison(depth, exactness);
    case 13:
    case 14:
      return SetOperation(depth, exactness);
    case 15:
      return VectorScalar(depth, exactness);
    case 16:
    case 17:
      return VectorVector(depth, exactness);
    case 18:
    case 19:
    case 20:
      return Aggregation(depth, exactness);
    default:
      return RangeFunction(depth, exactness);
  }
}

}  // namespace varve::differential
