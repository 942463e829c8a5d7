"""What the dashboard knows beforehand of the 13 services of an Open WebUI stack.

Names, ports, categories, descriptions and files are those of the legacy API (`docs/api.md`): its clients rely on them.
"""

from __future__ import annotations

from dataclasses import dataclass

from .models import Means, Text, text


@dataclass(frozen=True)
class ProbePreset:
    """How a known service is asked whether it works.

    `port` is the one inside the container. `bearer` names the setting and the variable of the service's env file that
    hold a key; `path_without_key` is asked where there is none. `fallback_command` runs in the container when the port
    cannot be reached.
    """

    means: Means
    port: int = 0
    path: str = "/"
    bearer: tuple[str, str] | None = None
    path_without_key: str | None = None
    fallback_command: tuple[str, ...] = ()


@dataclass(frozen=True)
class NativePreset:
    """How the service is recognised when it runs as a program of the host: its ports, program names and, for HTTP,
    a path whose answer (headers or body) must contain `expect`."""

    ports: tuple[int, ...]
    processes: tuple[str, ...] = ()
    path: str = "/"
    expect: str = ""


@dataclass(frozen=True)
class Preset:
    """One known service. `images`: last parts of image names by which a service of another name is recognised."""

    name: str
    title: str
    port: int | None
    category: str
    group: str
    description: str
    summary: Text
    probe: ProbePreset | None
    images: tuple[str, ...] = ()
    env_file: str | None = None
    config_files: tuple[str, ...] = ()
    data_dir: str | None = None
    health_url: str | None = None
    native: NativePreset | None = None
    web: bool = False  # has a page that a person opens


def _http(port: int, path: str = "/") -> ProbePreset:
    return ProbePreset(Means.HTTP, port=port, path=path)


_ALL = (
    Preset(
        name="ollama",
        title="Ollama",
        port=11435,
        category="ai",
        group="chat",
        description="Ollama LLM Server",
        summary=text("Runs the models"),
        probe=_http(11434, "/api/version"),
        images=("ollama",),
        env_file="ollama.env",
        data_dir="data/ollama",
        health_url="http://localhost:11435/api/version",
        native=NativePreset((11434, 11435), ("ollama",), "/api/version", '"version"'),
    ),
    Preset(
        name="litellm",
        title="LiteLLM",
        port=4000,
        category="ai",
        group="chat",
        description="LiteLLM Unified API Proxy",
        summary=text("Passes requests to models"),
        probe=ProbePreset(
            Means.HTTP,
            port=4000,
            path="/v1/models",
            bearer=("litellm_api_key", "LITELLM_MASTER_KEY"),
            path_without_key="/health/liveliness",
        ),
        images=("litellm", "litellm-database", "litellm-non_root"),
        env_file="litellm.env",
        config_files=("conf/litellm/litellm_config.yaml",),
        health_url="http://localhost:4000/v1/models",
        native=NativePreset((4000,), ("litellm",), "/health/liveliness", "I'm alive"),
    ),
    Preset(
        name="db",
        title="PostgreSQL",
        port=5432,
        category="database",
        group="data",
        description="PostgreSQL Database",
        summary=text("Keeps chats and users"),
        probe=ProbePreset(Means.POSTGRES, port=5432, fallback_command=("pg_isready", "-U", "postgres")),
        images=("postgres", "postgresql", "pgvector", "postgis", "timescaledb"),
        env_file="db.env",
        data_dir="data/postgres",
        native=NativePreset((5432,), ("postgres", "postmaster")),
    ),
    Preset(
        name="redis",
        title="Redis",
        port=6379,
        category="database",
        group="data",
        description="Redis Cache & Session Store",
        summary=text("Fast memory, sessions"),
        probe=ProbePreset(Means.REDIS, port=6379, fallback_command=("redis-cli", "ping")),
        images=("redis", "redis-stack", "redis-stack-server", "valkey", "keydb"),
        env_file="redis.env",
        data_dir="data/redis",
        health_url="http://localhost:8001",
        native=NativePreset((6379,), ("redis-server", "valkey-server")),
    ),
    Preset(
        name="openwebui",
        title="Open WebUI",
        port=3000,
        category="frontend",
        group="chat",
        description="Open WebUI Interface",
        summary=text("Chat in the browser"),
        probe=_http(8080),
        images=("open-webui",),
        env_file="openwebui.env",
        data_dir="data/openwebui",
        health_url="http://localhost:3000",
        native=NativePreset((3000, 8080), ("open-webui",), "/api/config", '"Open WebUI'),
        web=True,
    ),
    Preset(
        name="searxng",
        title="SearXNG",
        port=8080,
        category="search",
        group="search",
        description="SearXNG Search Engine",
        summary=text("Web search"),
        probe=_http(8080),
        images=("searxng",),
        env_file="searxng.env",
        config_files=("conf/searxng/settings.yml", "conf/searxng/uwsgi.ini"),
        health_url="http://localhost:8080",
        native=NativePreset((8080, 8888), (), "/config", '"instance_name"'),
        web=True,
    ),
    Preset(
        name="nginx",
        title="nginx",
        port=80,
        category="proxy",
        group="access",
        description="Nginx Reverse Proxy",
        summary=text("Door to the network"),
        probe=_http(80),
        images=("nginx", "nginx-unprivileged"),
        config_files=("conf/nginx/nginx.conf", "conf/nginx/conf.d/default.conf"),
        health_url="http://localhost",
        native=NativePreset((80,), ("nginx",), "/", "nginx"),
        web=True,
    ),
    Preset(
        name="watchtower",
        title="Watchtower",
        port=None,
        category="system",
        group="access",
        description="Container Auto-updater",
        summary=text("Watches for updates"),
        probe=ProbePreset(Means.PROCESS),
        images=("watchtower",),
        env_file="watchtower.env",
    ),
    Preset(
        name="auth",
        title="Auth",
        port=9090,
        category="system",
        group="access",
        description="JWT Auth Validator",
        summary=text("Checks who comes in"),
        probe=_http(9090, "/health"),
        env_file="auth.env",
        health_url="http://localhost:9090/health",
    ),
    Preset(
        name="docling",
        title="Docling",
        port=5001,
        category="ai",
        group="search",
        description="Document Processing Service",
        summary=text("Reads PDFs and documents"),
        probe=_http(5001, "/health"),
        images=("docling-serve", "docling-serve-cpu"),
        env_file="docling.env",
        health_url="http://localhost:5001/health",
        native=NativePreset((5001,), ("docling-serve",), "/openapi.json", "Docling"),
    ),
    Preset(
        name="edgetts",
        title="Edge TTS",
        port=5050,
        category="ai",
        group="voice",
        description="Edge TTS Service",
        summary=text("Reads answers aloud"),
        probe=ProbePreset(Means.HTTP, port=5050, path="/voices", bearer=("edgetts_api_key", "API_KEY")),
        images=("openai-edge-tts",),
        env_file="edgetts.env",
        health_url="http://localhost:5050/voices",
    ),
    Preset(
        name="mcposerver",
        title="MCPO",
        port=8000,
        category="ai",
        group="voice",
        description="MCPO Server",
        summary=text("Tools for the chat"),
        probe=_http(8000, "/docs"),
        images=("mcpo",),
        env_file="mcposerver.env",
        config_files=("conf/mcposerver/config.json",),
        health_url="http://localhost:8000/docs",
    ),
    Preset(
        name="tika",
        title="Tika",
        port=9998,
        category="ai",
        group="search",
        description="Apache Tika Document Parser",
        summary=text("Reads other files"),
        probe=_http(9998, "/tika"),
        images=("tika",),
        env_file="tika.env",
        health_url="http://localhost:9998/tika",
        native=NativePreset((9998,), (), "/tika", "Tika"),
    ),
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}
DEFAULT_CONTAINER = "open-webui-hub-{service}-1"


def image_name(image: str) -> str:
    """Last part of an image reference, without tag and digest: `ghcr.io/open-webui/open-webui:main` → `open-webui`."""
    return image.split("@", 1)[0].rsplit("/", 1)[-1].split(":", 1)[0].lower()


def preset_for(service: str, image: str) -> Preset | None:
    """The preset a service follows: by its name, else by its image."""
    if service in PRESETS:
        return PRESETS[service]
    name = image_name(image)
    return next((p for p in _ALL if name in p.images), None) if name else None
