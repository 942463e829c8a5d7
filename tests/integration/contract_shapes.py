"""The fields and types that clients of the older dashboards rely on, endpoint by endpoint; and how they are compared.

These are the contract's own words, written down apart from the models of the program (`api_sidecar/schemas`).
"""

from __future__ import annotations

import re
from typing import Any

NUMBER, TEXT, WHOLE = (int, float), str, int
TEXT_OR_NULL, WHOLE_OR_NULL = (str, type(None)), (int, type(None))
PERCENT = re.compile(r"\d{1,3}\.\d%")
GIGABYTES = re.compile(r"\d+\.\d GB")
SOMETHING = re.compile(r"(?s).+")
BACKUP_ID = re.compile(r"\w+_\d{8}_\d{6}")
ISO8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*")
RFC3339_LINE = re.compile(r"(?s)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z .*")
RFC3339_NANO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z ")

CONTAINER_STATUS = re.compile(
    "created|running|paused|restarting|removing|exited|dead|not_found|docker_unavailable|error|unknown"
)
HEALTH_STATUS = re.compile("healthy|unhealthy|degraded|timeout|unreachable|assumed_healthy|unknown|error")
CATEGORY = re.compile("ai|database|frontend|search|proxy|system|other")

COMMON = {
    "name": TEXT,
    "description": re.compile(".+"),
    "category": CATEGORY,
    "port": WHOLE_OR_NULL,
    "container_status": CONTAINER_STATUS,
    "health_status": HEALTH_STATUS,
    "timestamp": float,
}
STATUS_ENTRY = {**COMMON, "url": TEXT_OR_NULL}
SERVICES_ENTRY = {
    **COMMON,
    "container_name": TEXT,
    "env_file": TEXT_OR_NULL,
    "data_dir": TEXT_OR_NULL,
    "health_url": TEXT_OR_NULL,
    "config_files": [TEXT],
}
RESOURCES = {
    "status": CONTAINER_STATUS,
    "cpu_percent": NUMBER,
    "memory_usage": WHOLE,
    "memory_limit": WHOLE,
    "memory_percent": NUMBER,
    "network_rx": WHOLE,
    "network_tx": WHOLE,
    "timestamp": float,
}
DOCKER = {
    "total_containers": WHOLE,
    "running_containers": WHOLE,
    "containers": [{"name": TEXT, "status": CONTAINER_STATUS, "short_id": re.compile("[0-9a-f]{12}")}],
    "timestamp": float,
}
FLAT = {
    "cpu_usage": PERCENT,
    "memory_usage": PERCENT,
    "memory_total": GIGABYTES,
    "disk_usage": PERCENT,
    "disk_total": GIGABYTES,
}
METRICS = {
    **FLAT,
    "container_count": re.compile(r"\d+ active"),
    "system": {**FLAT, "timestamp": float},
    "docker": DOCKER,
    "cache_info": {"system_cache_age": float, "docker_cache_age": float},
}
SYSTEM_STATS = {
    "system": {
        **dict.fromkeys(("cpu_percent", "memory_percent", "disk_percent"), NUMBER),
        **dict.fromkeys(("memory_total", "memory_used", "disk_total", "disk_used"), WHOLE),
    },
    "docker": DOCKER,
    "performance": {"cache_hits": WHOLE, "cache_age": {"system": float, "docker": float}},
}
DURATION_NAMES = "system_metrics docker_stats service_health container_resources system docker service container"
DURATIONS = dict.fromkeys([*DURATION_NAMES.split(), "service_status"], WHOLE)
CACHE_ENTRY = {"age": NUMBER, "size": WHOLE, "expires_in": NUMBER}
CACHE_INFO = {"cache_entries": WHOLE, "details": {"system_metrics": CACHE_ENTRY}, "durations": DURATIONS}
OPERATIONS = {"operations": list}
ALIVE = {"status": TEXT}
READY = {"ready": bool, "snapshot_age": NUMBER, "engine": TEXT, "leader": TEXT}
STATUS = {"redis": STATUS_ENTRY, "watchtower": STATUS_ENTRY}
SERVICES = {"redis": SERVICES_ENTRY, "watchtower": SERVICES_ENTRY}
WITH_RESOURCES = {"redis": {**SERVICES_ENTRY, "resources": RESOURCES}}
NO_RESOURCES = {"status": re.compile("not_found|docker_unavailable"), "error": SOMETHING}

TRUE, FALSE, NULL = re.compile("True"), re.compile("False"), type(None)
OUTCOME = {"success": bool, "output": TEXT, "error": TEXT_OR_NULL}
ALL_DONE = {"success": TRUE, "output": TEXT, "error": NULL, "operation_id": TEXT}
CONTROL_DONE = {**ALL_DONE, "action": re.compile("start|stop|restart"), "service": re.compile("redis")}
NOT_DONE = {"success": FALSE, "error": SOMETHING}
CLEARED = {"success": TRUE, "message": SOMETHING}
MANY_DONE = {
    "action": re.compile("restart"),
    "results": {"redis": {**OUTCOME, "success": TRUE}, "nope": {"error": SOMETHING}},
}

LOGS = {"logs": [RFC3339_LINE], "container": SOMETHING}
CONFIG = {
    "env_vars": dict,
    "config_files": dict,
    "service_info": {"container_name": TEXT, "port": WHOLE_OR_NULL, "description": SOMETHING, "category": CATEGORY},
}
SAVED = {"success": TRUE, "backup_id": BACKUP_ID, "message": SOMETHING}
RESTARTED = {**SAVED, "restart_success": TRUE, "restart_output": TEXT, "restart_error": NULL}
VALID = {"valid": TRUE, "errors": [TEXT], "warnings": [TEXT]}
INVALID = {"valid": FALSE, "errors": [SOMETHING], "warnings": [TEXT]}
BACKED_UP = {"success": TRUE, "backup_id": BACKUP_ID, "message": SOMETHING}
BACKUPS = {
    "backups": [
        {
            "id": BACKUP_ID,
            "service": TEXT,
            "date": re.compile(r"\d{8}"),
            "time": re.compile(r"\d{6}"),
            "files": [TEXT],
            "created": float,
        }
    ]
}

OLLAMA_MODEL = {"name": TEXT, "size": WHOLE, "modified_at": TEXT, "digest": TEXT}
OLLAMA_MODELS = {"models": [OLLAMA_MODEL]}
LITELLM_MODELS = {"object": TEXT, "data": [{"id": TEXT}]}
LITELLM_STATUS = {
    "status": re.compile("healthy"),
    "models": list,
    "total_models": WHOLE,
    "healthy_endpoints": (WHOLE, TEXT),
    "unhealthy_endpoints": (WHOLE, TEXT),
    "health_data_available": bool,
}
COMPLETION = {"status": re.compile("success"), "response": dict}
COMPLETION_TEXT = {"success": TRUE, "response": TEXT, "model": TEXT}
BEGUN = {"success": TRUE, "message": SOMETHING}
DB_HEALTH = {"status": re.compile("healthy"), "message": SOMETHING}
DB_STATUS = {"status": re.compile("connected"), "version": SOMETHING, "table_count": WHOLE}
REDIS_INFO = {"status": re.compile("connected")} | dict.fromkeys(
    ("version", "memory_used", "connected_clients", "total_commands_processed", "uptime_in_seconds"), SOMETHING
)
ENGINES = {"engines": list, "count": WHOLE}
TEST_OLLAMA = {"status": re.compile("success"), "version": SOMETHING, "model_count": WHOLE}
TEST_LITELLM = {
    "status": re.compile("success"),
    "model_count": WHOLE,
    "generation_test": re.compile("passed|failed"),
    "available_models": [TEXT],
}
TEST_REDIS = {"status": re.compile("success"), "web_ui": SOMETHING}
TEST_DB = {"status": re.compile("success"), "container_status": re.compile("running")}
SECURITY_LOGS = {"logs": [{"timestamp": ISO8601, "event_type": SOMETHING, "details": dict, "user_ip": TEXT}]}
OPENAPI = {"openapi": re.compile(r"3\.1\.\d"), "paths": dict}

ERROR = {"error": SOMETHING, "code": TEXT}
REFUSED = {**ERROR, "success": FALSE}
ERROR_STATUS = {**ERROR, "status": re.compile("error|unhealthy")}
ERROR_MESSAGE = {**ERROR, "status": re.compile("error"), "message": SOMETHING}


def check(value: Any, shape: Any, where: str) -> None:
    """Whether a JSON value has at least the fields of a shape, with the right types."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where}: {value!r}"
        for name, inner in shape.items():
            assert name in value, f"{where} lacks {name}"
            check(value[name], inner, f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: {value!r}"
        for number, item in enumerate(value):
            check(item, shape[0], f"{where}[{number}]")
    elif isinstance(shape, re.Pattern):
        words = str(value) if isinstance(value, bool) else value
        assert isinstance(words, str) and shape.fullmatch(words), f"{where}: {value!r}"
    else:
        assert isinstance(value, shape), f"{where}: {value!r}"
        assert shape is bool or not isinstance(value, bool), f"{where}: {value!r}"
