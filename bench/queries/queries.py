"""Twenty queries as dashboards ask them, over the real scrapes: (name, expression, hours, step in
seconds). `grpc_server_handled_total` has about 700 series a replica."""

QUERIES = [
    ('one series', 'node_load1{instance="127.0.0.1:19100"}', 1, 15),
    (
        'one series, rate, long',
        'rate(node_cpu_seconds_total{instance="127.0.0.1:19100",cpu="0",mode="user"}[5m])',
        12,
        60,
    ),
    ('sum by, 14k series', 'sum by (grpc_code) (grpc_server_handled_total)', 1, 15),
    (
        'sum by rate, 14k series',
        'sum by (grpc_service) (rate(grpc_server_handled_total[5m]))',
        1,
        15,
    ),
    (
        'sum by rate, 14k series, coarse',
        'sum by (instance) (rate(grpc_server_handled_total[5m]))',
        1,
        60,
    ),
    (
        'quantile of buckets',
        'histogram_quantile(0.99, sum by (le) '
        '(rate(shop_http_request_duration_seconds_bucket[5m])))',
        1,
        15,
    ),
    (
        'quantile of buckets by route',
        'histogram_quantile(0.9, sum by (le, instance, route) '
        '(rate(shop_http_request_duration_seconds_bucket[5m])))',
        1,
        60,
    ),
    ('topk of rates, 14k series', 'topk(5, rate(grpc_server_handled_total[5m]))', 1, 60),
    (
        'topk of sums',
        'topk(10, sum by (instance, groupname) '
        '(rate(namedprocess_namegroup_cpu_seconds_total[5m])))',
        1,
        15,
    ),
    ('ratio of gauges', '1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes', 1, 15),
    (
        'error ratio',
        'sum by (grpc_service) (rate(grpc_server_handled_total{grpc_code!="OK"}[5m])) / '
        'sum by (grpc_service) (rate(grpc_server_handled_total[5m]))',
        1,
        60,
    ),
    (
        'many to one join',
        'rate(node_network_receive_bytes_total[5m]) * on (instance) group_left (nodename) '
        'node_uname_info',
        1,
        15,
    ),
    (
        'subquery over a sum of rates',
        'max_over_time(sum(rate(grpc_server_handled_total{grpc_code="OK"}[5m]))[30m:1m])',
        1,
        60,
    ),
    (
        'subquery quantile',
        'quantile_over_time(0.95, rate(node_cpu_seconds_total[5m])[30m:1m])',
        1,
        60,
    ),
    (
        'cpu in use, long',
        '100 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100',
        12,
        60,
    ),
    ('average over time, long', 'sum by (job) (avg_over_time(go_goroutines[10m]))', 12, 60),
    ('quantile across series, long', 'quantile by (job) (0.9, scrape_duration_seconds)', 12, 60),
    (
        'increase over an hour, long',
        'sum by (job) (increase(process_cpu_seconds_total[1h]))',
        12,
        60,
    ),
    ('series per metric, 25k series', 'topk(10, count by (__name__) ({job="etcd"}))', 1, 60),
    ('many rows', 'rate(haproxy_server_http_responses_total[5m])', 1, 15),
]
