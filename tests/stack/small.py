"""A small stack of its own for one test module: real nginx and Redis, two stand-ins, quick health checks."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from . import needs
from .stack import DEMO, PREFIX, Stack
from .waiting import free_ports

COMPOSE = """\
name: {project}
x-check: &check {{interval: 1s, timeout: 3s, retries: 3, start_period: 1s}}
x-standin: &standin
  image: ${{DEMO_BUSYBOX_IMAGE:-busybox:1.36}}
  init: true
  restart: unless-stopped
  stop_grace_period: 1s
services:
  nginx:
    image: ${{DEMO_NGINX_IMAGE:-nginx:alpine}}
    command: [nginx, -c, {nginx_conf}, -g, "daemon off;"]
    volumes: {nginx_volumes}
    ports: ["127.0.0.1:{nginx}:80"]
    labels: {{dashboard.probe: "http://:80/nginx-health"}}
    restart: unless-stopped
    healthcheck: {{<<: *check, test: [CMD-SHELL, "wget -qO /dev/null http://127.0.0.1/nginx-health"]}}
  redis:
    image: ${{DEMO_REDIS_IMAGE:-redis:7-alpine}}
    command: [sh, -c, 'exec redis-server --save "" --port "$$REDIS_PORT" --maxmemory "$$REDIS_MEMORY"']
    env_file: env/redis.env
    ports: ["127.0.0.1:{redis}:6379"]
    restart: unless-stopped
    stop_grace_period: 1s
    healthcheck: {{<<: *check, test: [CMD-SHELL, "redis-cli ping | grep -q PONG"]}}
  searxng:
    <<: *standin
    command: [sh, /standins/serve.sh, searxng, "8080"]
    env_file: ./env/searxng.env
    volumes: ["./standins:/standins:ro", "./conf/searxng:/conf:ro"]
    ports: ["127.0.0.1:{searxng}:8080"]
    healthcheck: {{<<: *check, test: [CMD, wget, -qO, /dev/null, "http://127.0.0.1:8080/healthz"]}}
  mcposerver:
    <<: *standin
    command: [sh, /standins/serve.sh, mcposerver, "8000"]
    volumes: ["./standins:/standins:ro"]
    ports: ["127.0.0.1:{mcposerver}:8000"]
    labels: {{dashboard.protected: "yes"}}
"""
WHOLE_FOLDER = {"nginx_conf": "/etc/nginx/stack/nginx.conf", "nginx_volumes": '["./conf/nginx:/etc/nginx/stack:ro"]'}
SINGLE_FILE = {
    "nginx_conf": "/etc/nginx/nginx.conf",
    "nginx_volumes": (
        '["./conf/nginx/nginx.conf:/etc/nginx/nginx.conf:ro", "./conf/nginx/conf.d:/etc/nginx/stack/conf.d:ro"]'
    ),
}


def small_stack(directory: Path, *services: str, mounts: dict[str, str] = WHOLE_FOLDER) -> Stack:
    """Make it in `directory` (must not exist) and start these services, or all. Its owner calls `down()`."""
    shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns(".env", "compose.yml"))
    project = f"{PREFIX}-{os.getpid()}-{secrets.token_hex(3)}"
    names = ("nginx", "redis", "searxng", "mcposerver")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    (directory / "compose.yml").write_text(COMPOSE.format(project=project, **ports, **mounts), encoding="utf-8")
    images = {name: value for name, value in needs.stack_environment().items() if name.startswith("DEMO_")}
    (directory / ".env").write_text("".join(f"{k}={v}\n" for k, v in images.items()), encoding="utf-8")
    (directory / "env" / "redis.env").write_text(
        "# of the cache\nREDIS_PORT=6379\n\nREDIS_MEMORY=16mb\n", encoding="utf-8"
    )
    stack = Stack(directory, project, ports)
    stack.up(*services)
    return stack
