"""Every metric of every process in one catalogue. Processes that stand alone keep their own rows;
they are put together here, for the documentation and for alert rules.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from connectors.metrics import METRICS as WORKERS
from connectors.metrics import Metric
from ops.simulator.metrics import METRICS as SIMULATOR
from ops.wall.metrics import METRICS as WALL

# fmt: off
BROKER: tuple[Metric, ...] = (
    Metric("gridwhistle_broker_received_bytes_total", Counter, (),
           "收到的请求字节 bytes of requests", "broker"),
    Metric("gridwhistle_broker_sent_bytes_total", Counter, (),
           "发出的应答字节 bytes of responses", "broker"),
    Metric("gridwhistle_broker_requests_total", Counter, ("api",),
           "请求数,按接口 requests by API", "broker"),
    Metric("gridwhistle_broker_errors_total", Counter, ("code",),
           "拒绝数,按错误码 refusals by error code", "broker"),
    Metric("gridwhistle_broker_connections", Gauge, (),
           "打开的连接 open connections", "broker"),
    Metric("gridwhistle_broker_log_bytes", Gauge, ("topic",),
           "日志大小 size of the logs", "broker"),
    Metric("gridwhistle_broker_log_end_offset", Gauge, ("topic", "partition"),
           "末端偏移量 end offset", "broker"),
    Metric("gridwhistle_broker_groups", Gauge, ("state",),
           "消费组数,按状态 consumer groups by state", "broker"),
)
STORE: tuple[Metric, ...] = (
    Metric("gridwhistle_store_queries_total", Counter, ("kind", "user"),
           "语句数 statements by kind and user", "store"),
    Metric("gridwhistle_store_errors_total", Counter, ("code",),
           "出错数,按 ClickHouse 错误码 errors by ClickHouse code", "store"),
    Metric("gridwhistle_store_seconds", Histogram, ("kind",),
           "语句秒数 seconds of a statement", "store"),
    Metric("gridwhistle_store_rows_written_total", Counter, (),
           "写入行数 rows written", "store"),
    Metric("gridwhistle_store_body_bytes_total", Counter, (),
           "收到的数据字节 bytes of request bodies", "store"),
    Metric("gridwhistle_store_running", Gauge, (),
           "正在处理的请求 requests being served now", "store"),
)
# fmt: on

CATALOGUE: tuple[Metric, ...] = (*WORKERS, *WALL, *SIMULATOR, *BROKER, *STORE)
