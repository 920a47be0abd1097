// bench_workload: writes a pack of remote-write 1.0 bodies from a seeded, made-up fleet, for
// machines without real scrapes.
//
//   bench_workload --out FILE.rwpack --series 150000 --minutes 10 [--interval-s 5] [--labels
//   plain|kubernetes]
//                  [--end-ms UNIX_MS] [--seed N]
//
// The mix follows what real scrapes show: of the series 60 % never change, 32 % count in integers,
// 5 % are short decimals, 3 % true floats. Beside FILE.rwpack stands FILE.rwpack.idx: (u16 shard,
// u16 samples) of each record.
#include <snappy.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace varve::bench {
namespace {

constexpr size_t kSamplesPerRecord = 2000;
constexpr uint16_t kShardCount = 16;

struct Settings {
  std::string out;
  std::string labels = "plain";
  uint64_t series = 8000;
  uint64_t minutes = 25;
  uint64_t interval_s = 5;
  uint64_t seed = 1;
  int64_t end_ms = 0;
};

enum class Kind { kConstant, kCounter, kDecimal, kFloat };

struct Series {
  std::string label_fields;  // protobuf: repeated field 1 of TimeSeries
  Kind kind = Kind::kConstant;
  double value = 0;
};

void AppendField(std::string* out, uint32_t field, std::string_view bytes) {
  AppendVarint(out, field << 3 | 2);
  AppendLengthPrefixed(out, bytes);
}

std::string LabelField(std::string_view name, std::string_view value) {
  std::string label;
  AppendField(&label, 1, name);
  AppendField(&label, 2, value);
  std::string field;
  AppendField(&field, 1, label);
  return field;
}

std::string Hex(uint64_t number, size_t digits) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out(digits, '0');
  for (size_t i = digits; i-- > 0; number >>= 4) out[i] = kHex[number & 15];
  return out;
}

// About 100 bytes in 7 labels: 350 series an instance.
std::string PlainLabels(uint64_t i) {
  const uint64_t instance = i / 350;
  const uint64_t within = i % 350;
  return LabelField("__name__", "service_metric_" + std::to_string(within / 10) + "_total") +
         LabelField("code", std::to_string(200 + within % 5)) +
         LabelField("handler", "/api/v1/resource/" + std::to_string(within % 10)) +
         LabelField("instance", "10.0." + std::to_string(instance / 250) + "." +
                                    std::to_string(instance % 250) + ":9100") +
         LabelField("job", "service-" + std::to_string(instance % 12)) +
         LabelField("method", within % 2 ? "GET" : "POST") +
         LabelField("zone", "zone-" + std::to_string(instance % 3));
}

// 15 labels of about 400 bytes, as cAdvisor and kube-state-metrics give them: 60 series a
// container.
std::string KubernetesLabels(uint64_t i) {
  const uint64_t pod = i / 60;
  const uint64_t within = i % 60;
  const std::string app = "application-" + std::to_string(pod % 40);
  const std::string uid = Hex(pod * 0x9e3779b97f4a7c15u, 16);
  return LabelField("__name__", "container_resource_usage_" + std::to_string(within) + "_total") +
         LabelField("app_kubernetes_io_name", app) + LabelField("cluster", "production-eu-west-1") +
         LabelField("container", app) +
         LabelField("container_id",
                    "containerd://" + Hex(pod * 0xbf58476d1ce4e5b9u, 16) + uid + uid + uid) +
         LabelField("endpoint", "https-metrics") +
         LabelField("id", "/kubepods/burstable/pod" + uid + "/" + uid) +
         LabelField("image",
                    "registry.example.com/team/" + app + ":v1." + std::to_string(pod % 40)) +
         LabelField("instance", "10.1." + std::to_string(pod % 64) + ".17:10250") +
         LabelField("job", "kubelet") +
         LabelField("namespace", "team-" + std::to_string(pod % 15)) +
         LabelField("node", "node-pool-a-" + std::to_string(pod % 64)) +
         LabelField("pod", app + "-" + Hex(pod % 97, 9) + "-" + Hex(pod, 5)) +
         LabelField("service", "kubelet") + LabelField("uid", uid);
}

double NextValue(Series* series, std::mt19937_64* random) {
  switch (series->kind) {
    case Kind::kConstant:
      break;
    case Kind::kCounter:
      series->value += static_cast<double>((*random)() % 50);
      break;
    case Kind::kDecimal:
      series->value = static_cast<double>((*random)() % 10000) / 100.0;
      break;
    case Kind::kFloat:
      series->value += std::normal_distribution<double>(0, 1)(*random);
      break;
  }
  return series->value;
}

std::vector<Series> MakeSeries(const Settings& settings, std::mt19937_64* random) {
  std::vector<Series> all(settings.series);
  for (uint64_t i = 0; i < settings.series; ++i) {
    all[i].label_fields = settings.labels == "kubernetes" ? KubernetesLabels(i) : PlainLabels(i);
    const uint64_t dice = (*random)() % 100;
    all[i].kind = dice < 60   ? Kind::kConstant
                  : dice < 92 ? Kind::kCounter
                  : dice < 97 ? Kind::kDecimal
                              : Kind::kFloat;
    all[i].value = static_cast<double>((*random)() % 1000);
  }
  return all;
}

class PackWriter {
 public:
  explicit PackWriter(const std::string& path)
      : pack_(path, std::ios::binary), index_(path + ".idx", std::ios::binary) {}

  void Write(const std::string& body, uint16_t shard, uint16_t samples) {
    std::string compressed;
    snappy::Compress(body.data(), body.size(), &compressed);
    const auto size = static_cast<uint32_t>(compressed.size());
    pack_.write(reinterpret_cast<const char*>(&size), sizeof size);
    pack_.write(compressed.data(), static_cast<std::streamsize>(compressed.size()));
    index_.write(reinterpret_cast<const char*>(&shard), sizeof shard);
    index_.write(reinterpret_cast<const char*>(&samples), sizeof samples);
  }
  bool ok() { return pack_.flush().good() && index_.flush().good(); }

 private:
  std::ofstream pack_;
  std::ofstream index_;
};

bool WritePack(const Settings& settings) {
  std::mt19937_64 random(settings.seed);
  std::vector<Series> all = MakeSeries(settings, &random);
  PackWriter writer(settings.out);
  const uint64_t scrapes = settings.minutes * 60 / settings.interval_s;
  const auto interval_ms = static_cast<int64_t>(settings.interval_s) * 1000;
  for (uint64_t scrape = 0; scrape < scrapes; ++scrape) {
    const int64_t time = settings.end_ms - static_cast<int64_t>(scrapes - 1 - scrape) * interval_ms;
    uint16_t shard = 0;
    for (size_t begin = 0; begin < all.size(); begin += kSamplesPerRecord) {
      const size_t end = std::min(all.size(), begin + kSamplesPerRecord);
      std::string body;
      for (size_t i = begin; i < end; ++i) {
        std::string sample;
        const double value = NextValue(&all[i], &random);
        sample.push_back(1 << 3 | 1);
        AppendFixed(&sample, value);
        sample.push_back(2 << 3);
        AppendVarint(&sample, static_cast<uint64_t>(time + static_cast<int64_t>(random() % 4)));
        std::string series = all[i].label_fields;
        AppendField(&series, 2, sample);
        AppendField(&body, 1, series);
      }
      writer.Write(body, static_cast<uint16_t>(shard++ % kShardCount),
                   static_cast<uint16_t>(end - begin));
    }
  }
  return writer.ok();
}

bool Parse(int count, char** words, Settings* settings) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view flag = words[i];
    const char* value = words[i + 1];
    if (flag == "--out") {
      settings->out = value;
    } else if (flag == "--labels") {
      settings->labels = value;
    } else if (flag == "--series") {
      settings->series = std::strtoull(value, nullptr, 10);
    } else if (flag == "--minutes") {
      settings->minutes = std::strtoull(value, nullptr, 10);
    } else if (flag == "--interval-s") {
      settings->interval_s = std::strtoull(value, nullptr, 10);
    } else if (flag == "--seed") {
      settings->seed = std::strtoull(value, nullptr, 10);
    } else if (flag == "--end-ms") {
      settings->end_ms = std::strtoll(value, nullptr, 10);
    } else {
      return false;
    }
  }
  const bool known_labels = settings->labels == "plain" || settings->labels == "kubernetes";
  return count % 2 == 1 && !settings->out.empty() && known_labels && settings->interval_s != 0;
}

}  // namespace
}  // namespace varve::bench

int main(int count, char** words) {
  varve::bench::Settings settings;
  if (!varve::bench::Parse(count, words, &settings)) {
    std::cerr
        << "usage: bench_workload --out FILE.rwpack [--series N] [--minutes N] [--interval-s N]\n"
           "                      [--labels plain|kubernetes] [--end-ms UNIX_MS] [--seed N]\n";
    return 2;
  }
  if (settings.end_ms == 0) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    settings.end_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }
  if (!varve::bench::WritePack(settings)) {
    std::cerr << "cannot write " << settings.out << "\n";
    return 1;
  }
  return 0;
}
